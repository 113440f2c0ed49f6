// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/output/json.hpp"

#include "toolstack/libs/api/escape.hpp"

#include <array>
#include <charconv>

namespace mshv::ctl {

void append_json_string(std::string& out, std::string_view value) {
    static constexpr char digits[] = "0123456789abcdef";
    out += '"';
    while (!value.empty()) {
        const api::Utf8Char c = api::decode_utf8(value);
        const std::size_t length = c.length == 0 ? 1 : c.length;
        if (c.length == 0) {
            out += "\xef\xbf\xbd";
        } else if (c.code == '"' || c.code == '\\') {
            out += {'\\', static_cast<char>(c.code)};
        } else if (c.code < 0x20) {
            out += {'\\', 'u', '0', '0', digits[c.code >> 4], digits[c.code & 0xf]};
        } else {
            out += value.substr(0, length);
        }
        value.remove_prefix(length);
    }
    out += '"';
}

void JsonWriter::separate() {
    if (comma_) {
        out_ += ',';
    }
    comma_ = true;
}

JsonWriter& JsonWriter::open(char bracket) {
    separate();
    out_ += bracket;
    comma_ = false;
    return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
    out_ += bracket;
    comma_ = true;
    return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
    separate();
    append_json_string(out_, name);
    out_ += ':';
    comma_ = false;
    return *this;
}

JsonWriter& JsonWriter::text(std::string_view value) {
    separate();
    append_json_string(out_, value);
    return *this;
}

JsonWriter& JsonWriter::number(std::int64_t value) {
    separate();
    out_ += std::to_string(value);
    return *this;
}

JsonWriter& JsonWriter::real(double value) {
    separate();
    std::array<char, 400> digits{}; // the greatest double has 309 before its point
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value,
                                   std::chars_format::fixed, 3);
    out_.append(digits.data(), end.ptr);
    return *this;
}

JsonWriter& JsonWriter::boolean(bool value) {
    separate();
    out_ += value ? "true" : "false";
    return *this;
}

JsonWriter& JsonWriter::raw(std::string_view json) {
    separate();
    out_ += json;
    return *this;
}

} // namespace mshv::ctl
