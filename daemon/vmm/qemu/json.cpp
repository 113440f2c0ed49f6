// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/qemu/json.hpp"

#include "toolstack/libs/api/error.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace mshv::vmm::qemu {

std::string pad_utf8(std::string_view text) {
    std::string padded;
    padded.reserve(text.size() + 4);
    padded.append(text).append(4, '\0');
    return padded;
}

std::string json_quote(std::string_view value) {
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer, rapidjson::UTF8<>, rapidjson::UTF8<>,
                      rapidjson::CrtAllocator, rapidjson::kWriteValidateEncodingFlag>
        writer(buffer);
    const bool has_nul = value.find('\0') != std::string_view::npos;
    const std::string padded = pad_utf8(value);
    if (has_nul || !writer.String(padded.data(), static_cast<rapidjson::SizeType>(value.size()))) {
        throw api::Error(api::ErrorCode::invalid, "Text for the VMM is not valid UTF-8",
                         "write the name, serial number or path in UTF-8");
    }
    return {buffer.GetString(), buffer.GetSize()};
}

JsonObject& JsonObject::raw(std::string_view key, std::string_view json) {
    if (!members_.empty()) {
        members_ += ',';
    }
    members_ += json_quote(key);
    members_ += ':';
    members_ += json;
    return *this;
}

JsonObject& JsonObject::text(std::string_view key, std::string_view value) {
    return raw(key, json_quote(value));
}

JsonObject& JsonObject::number(std::string_view key, std::uint64_t value) {
    return raw(key, std::to_string(value));
}

JsonObject& JsonObject::flag(std::string_view key, bool value) {
    return raw(key, value ? "true" : "false");
}

JsonObject& JsonObject::null(std::string_view key) {
    return raw(key, "null");
}

JsonObject& JsonObject::object(std::string_view key, const JsonObject& value) {
    return raw(key, value.str());
}

JsonObject& JsonObject::merge(const JsonObject& other) {
    if (!members_.empty() && !other.members_.empty()) {
        members_ += ',';
    }
    members_ += other.members_;
    return *this;
}

std::string option_value(std::string_view value) {
    std::string out;
    for (const char c : value) {
        if (c == '\0') {
            throw api::Error(api::ErrorCode::invalid, "Text for the VMM holds a NUL character");
        }
        out.append(c == ',' ? 2 : 1, c);
    }
    return out;
}

} // namespace mshv::vmm::qemu
