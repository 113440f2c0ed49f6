// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/identity.hpp"

#include "toolstack/libs/api/error.hpp"

#include <algorithm>
#include <array>
#include <boost/uuid/random_generator.hpp>

namespace mshv::api {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_alnum(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// The value of each hexadecimal digit; 16 for all other characters.
constexpr auto hex_values = [] {
    std::array<std::uint8_t, 256> table{};
    table.fill(16);
    for (std::uint8_t digit = 0; digit < 10; ++digit) {
        table[static_cast<std::size_t>('0' + digit)] = digit;
    }
    for (std::uint8_t letter = 0; letter < 6; ++letter) {
        table[static_cast<std::size_t>('a' + letter)] = static_cast<std::uint8_t>(10 + letter);
        table[static_cast<std::size_t>('A' + letter)] = static_cast<std::uint8_t>(10 + letter);
    }
    return table;
}();

constexpr std::size_t uuid_length = 36;
constexpr std::size_t longest_name = 64;

} // namespace

std::optional<Uuid> parse_uuid(std::string_view text) {
    if (text.size() != uuid_length || text[8] != '-' || text[13] != '-' || text[18] != '-' ||
        text[23] != '-') {
        return std::nullopt;
    }
    Uuid uuid{};
    unsigned bad = 0;
    const char* digit = text.data();
    for (std::size_t i = 0; i < uuid.size(); ++i) {
        digit += i == 4 || i == 6 || i == 8 || i == 10 ? 1 : 0;
        const unsigned high = hex_values[static_cast<unsigned char>(digit[0])];
        const unsigned low = hex_values[static_cast<unsigned char>(digit[1])];
        bad |= (high | low) & 16U;
        uuid.data[i] = static_cast<std::uint8_t>(high << 4U | low);
        digit += 2;
    }
    return bad == 0 ? std::optional(uuid) : std::nullopt;
}

std::string to_string(const Uuid& uuid) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string text(uuid_length, '-');
    char* to = text.data();
    for (std::size_t i = 0; i < uuid.size(); ++i) {
        to += i == 4 || i == 6 || i == 8 || i == 10 ? 1 : 0;
        *to++ = digits[uuid.data[i] >> 4U];
        *to++ = digits[uuid.data[i] & 0xfU];
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
