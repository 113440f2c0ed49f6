// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/lib/json.hpp"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <stdexcept>

namespace mshv::e2e {

Json Json::parse(std::string_view text) {
    auto document = std::make_shared<rapidjson::Document>();
    document->Parse<rapidjson::kParseFullPrecisionFlag>(text.data(), text.size());
    if (document->HasParseError()) {
        throw std::runtime_error("not JSON: " + std::string(text.substr(0, 2000)));
    }
    const rapidjson::Value* value = document.get();
    return {std::move(document), value};
}

void Json::fail(const std::string& what) const {
    throw std::runtime_error(what + " in " + dump().substr(0, 2000));
}

Json Json::operator[](std::string_view key) const {
    if (!has(key)) {
        fail("no member '" + std::string(key) + "'");
    }
    const rapidjson::Value name(rapidjson::StringRef(key.data(), key.size()));
    return {document_, &value_->FindMember(name)->value};
}

bool Json::has(std::string_view key) const {
    const rapidjson::Value name(rapidjson::StringRef(key.data(), key.size()));
    return value_->IsObject() && value_->FindMember(name) != value_->MemberEnd();
}

std::vector<Json> Json::items() const {
    if (!value_->IsArray()) {
        fail("no array");
    }
    std::vector<Json> result;
    for (const auto& item : value_->GetArray()) {
        result.push_back(Json(document_, &item));
    }
    return result;
}

std::string Json::text() const {
    if (!value_->IsString()) {
        fail("no string");
    }
    return {value_->GetString(), value_->GetStringLength()};
}

std::int64_t Json::number() const {
    if (!value_->IsInt64()) {
        fail("no integer");
    }
    return value_->GetInt64();
}

bool Json::flag() const {
    if (!value_->IsBool()) {
        fail("no true or false");
    }
    return value_->GetBool();
}

std::string Json::dump() const {
    rapidjson::StringBuffer buffer;
    rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
    value_->Accept(writer);
    return {buffer.GetString(), buffer.GetSize()};
}

} // namespace mshv::e2e
