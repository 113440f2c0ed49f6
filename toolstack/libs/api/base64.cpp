// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/base64.hpp"

#include <array>
#include <cstdint>

namespace mshv::api {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t no_digit = 64;

constexpr std::array<std::uint8_t, 256> digits = [] {
    std::array<std::uint8_t, 256> table{};
    table.fill(no_digit);
    for (std::size_t value = 0; value < alphabet.size(); ++value) {
        table.at(static_cast<unsigned char>(alphabet[value])) = static_cast<std::uint8_t>(value);
    }
    return table;
}();

} // namespace

std::string encode_base64(std::string_view bytes) {
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const std::string_view group = bytes.substr(at, 3);
        std::uint32_t bits = 0;
        for (std::size_t i = 0; i < 3; ++i) {
            bits = bits << 8 | (i < group.size() ? static_cast<unsigned char>(group[i]) : 0U);
        }
        for (std::size_t i = 0; i < 4; ++i) {
            text += i <= group.size() ? alphabet[bits >> (18 - 6 * i) & 63] : '=';
        }
    }
    return text;
}

std::optional<std::string> decode_base64(std::string_view text) {
    if (text.size() % 4 != 0) {
        return std::nullopt;
    }
    std::size_t padding = 0;
    while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') {
        ++padding;
    }
    std::string bytes;
    bytes.reserve(text.size() / 4 * 3);
    std::uint32_t bits = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const bool pads = at >= text.size() - padding;
        const std::uint8_t digit = pads ? 0 : digits.at(static_cast<unsigned char>(text[at]));
        if (digit == no_digit) {
            return std::nullopt;
        }
        bits = bits << 6 | digit;
        if (at % 4 == 3) {
            bytes += static_cast<char>(bits >> 16 & 0xff);
            bytes += static_cast<char>(bits >> 8 & 0xff);
            bytes += static_cast<char>(bits & 0xff);
            bits = 0;
        }
    }
    // Bits behind the end are zero: each content has one text.
    for (std::size_t i = 0; i < padding; ++i) {
        if (bytes.back() != '\0') {
            return std::nullopt;
        }
        bytes.pop_back();
    }
    return bytes;
}

} // namespace mshv::api
