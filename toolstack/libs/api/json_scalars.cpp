// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/json_table.hpp"
#include "toolstack/libs/api/nearest.hpp"

namespace mshv::api::json {

Complaint wrong_type(std::string_view wanted) {
    return {"E-TYPE", "wants " + std::string(wanted), ""};
}

Complaint out_of_range(std::int64_t low, std::uint64_t high) {
    return {"E-RANGE", "wants a number from " + std::to_string(low) + " to " + std::to_string(high),
            ""};
}

Complaint wrong_word(std::string_view word, std::span<const std::string_view> words) {
    constexpr std::size_t longest_shown = 64;
    std::string list;
    for (const std::string_view known : words) {
        list += list.empty() ? "" : ", ";
        list += known;
    }
    Complaint complaint{"E-ENUM", "'", ""};
    complaint.message += word.substr(0, longest_shown);
    complaint.message += words.size() == 1 ? "' is not " : "' is not one of ";
    complaint.message += list;
    if (const auto near = nearest_word(word, words); !near.empty()) {
        complaint.hint = "did you mean '" + std::string(near) + "'?";
    }
    return complaint;
}

Complaint set_text(std::string& to, const Token& token) {
    if (token.type != Token::Type::text) {
        return wrong_type("a string");
    }
    to.assign(token.text);
    return {};
}

Complaint set_bool(bool& to, const Token& token) {
    if (token.type != Token::Type::boolean) {
        return wrong_type("true or false");
    }
    to = token.boolean;
    return {};
}

Complaint set_uuid(Uuid& to, const Token& token) {
    if (token.type != Token::Type::text) {
        return wrong_type("a UUID as a string");
    }
    const auto uuid = parse_uuid(token.text);
    if (!uuid) {
        return {"E-UUID", "wants a UUID of 36 characters", ""};
    }
    to = *uuid;
    return {};
}

} // namespace mshv::api::json
