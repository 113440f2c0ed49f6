// SPDX-License-Identifier: Apache-2.0
#include "daemon/rest/query.hpp"

#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/nearest.hpp"

#include <charconv>

namespace mshv::rest {
namespace {

constexpr std::uint64_t longest_span_ms = 24UL * 60 * 60 * 1000;

[[noreturn]] void refuse(std::string_view key, const std::string& why) {
    throw api::Error(api::ErrorCode::usage, "query key '" + std::string(key) + "' " + why);
}

} // namespace

std::optional<std::string> Query::text(std::string_view key) {
    known_.emplace_back(key);
    auto node = values_.extract(known_.back());
    if (node.empty()) {
        return std::nullopt;
    }
    return std::move(node.mapped());
}

bool Query::flag(std::string_view key) {
    const auto value = text(key);
    if (!value || *value == "0" || *value == "false") {
        return false;
    }
    if (*value != "1" && *value != "true") {
        refuse(key, "wants 0 or 1");
    }
    return true;
}

std::optional<std::uint64_t> Query::number(std::string_view key, std::uint64_t least,
                                           std::uint64_t most) {
    const auto value = text(key);
    if (!value) {
        return std::nullopt;
    }
    std::uint64_t number = 0;
    const char* last = value->data() + value->size();
    const auto [end, error] = std::from_chars(value->data(), last, number);
    if (error != std::errc{} || end != last || number < least || number > most) {
        refuse(key, "wants a number from " + std::to_string(least) + " to " + std::to_string(most));
    }
    return number;
}

std::optional<std::chrono::milliseconds> Query::span(std::string_view key) {
    const auto value = number(key, 0, longest_span_ms);
    if (!value) {
        return std::nullopt;
    }
    return std::chrono::milliseconds(*value);
}

void Query::done() const {
    if (values_.empty()) {
        return;
    }
    const std::string& key = values_.begin()->first;
    const auto near = api::nearest_word(key, known_);
    throw api::Error(api::ErrorCode::usage, "unknown query key '" + key + "'",
                     near.empty() ? "" : "did you mean '" + std::string(near) + "'?");
}

} // namespace mshv::rest
