// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/identity.hpp"

#include "toolstack/libs/api/error.hpp"

#include <algorithm>
#include <boost/uuid/random_generator.hpp>

namespace mshv::api {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool is_alnum(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

unsigned hex_value(char c) {
    return static_cast<unsigned>(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
}

constexpr std::size_t uuid_length = 36;
constexpr std::size_t longest_name = 64;

} // namespace

std::optional<Uuid> parse_uuid(std::string_view text) {
    if (text.size() != uuid_length) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !is_hex(text[i])) {
            return std::nullopt;
        }
    }
    Uuid uuid{};
    const char* digit = text.data();
    for (auto& byte : uuid.data) {
        digit += *digit == '-' ? 1 : 0;
        byte = static_cast<std::uint8_t>(hex_value(digit[0]) << 4U | hex_value(digit[1]));
        digit += 2;
    }
    return uuid;
}

std::string to_string(const Uuid& uuid) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(uuid_length);
    for (const auto byte : uuid.data) {
        if (text.size() == 8 || text.size() == 13 || text.size() == 18 || text.size() == 23) {
            text += '-';
        }
        text += digits[byte >> 4U];
        text += digits[byte & 0xfU];
    }
    return text;
}

Uuid random_uuid() {
    thread_local boost::uuids::random_generator generate;
    return generate();
}

std::optional<std::string> why_bad_name(std::string_view name) {
    if (name.empty()) {
        return "a name may not be empty";
    }
    if (name.size() > longest_name) {
        return "a name has at most 64 characters";
    }
    if (!is_alnum(name.front())) {
        return "a name starts with a letter or a digit";
    }
    const bool known = std::all_of(name.begin(), name.end(), [](char c) {
        return is_alnum(c) || c == '.' || c == '_' || c == '+' || c == '-';
    });
    if (!known) {
        return "a name holds letters, digits and . _ + - only";
    }
    if (std::all_of(name.begin(), name.end(), is_digit)) {
        return "a name may not be digits alone, since those select by number";
    }
    return std::nullopt;
}

Selector Selector::parse(std::string_view text) {
    Selector selector;
    const auto take = [&](std::string_view prefix, Kind forced) {
        if (selector.kind == Kind::any && text.substr(0, prefix.size()) == prefix) {
            selector.kind = forced;
            text.remove_prefix(prefix.size());
        }
    };
    take("id:", Kind::number);
    take("name:", Kind::name);
    take("uuid:", Kind::uuid);
    if (text.empty()) {
        throw Error(ErrorCode::usage, "the partition's name is empty",
                    "a script's unset variable? give a name, a number or a UUID");
    }
    const bool digits = std::all_of(text.begin(), text.end(), is_digit);
    if (selector.kind == Kind::number && !digits) {
        throw Error(ErrorCode::usage, "id: wants a number");
    }
    const bool zero = std::all_of(text.begin(), text.end(), [](char c) { return c == '0'; });
    if (zero && selector.kind != Kind::name && selector.kind != Kind::uuid) {
        throw Error(ErrorCode::usage, "0 is the root partition, which is never a target");
    }
    selector.text = text;
    return selector;
}

std::string Selector::to_string() const {
    switch (kind) {
    case Kind::number:
        return "id:" + text;
    case Kind::name:
        return "name:" + text;
    case Kind::uuid:
        return "uuid:" + text;
    case Kind::any:
        break;
    }
    return text;
}

} // namespace mshv::api
