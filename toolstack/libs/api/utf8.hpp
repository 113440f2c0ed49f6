// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/escape.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace mshv::api {

/// The length of the longest beginning of `text` that is ASCII, found eight bytes at a time; may
/// fall short by up to seven.
inline std::size_t ascii_prefix(std::string_view text) {
    constexpr std::uint64_t high_bits = 0x8080808080808080U;
    std::size_t at = 0;
    while (at + sizeof(std::uint64_t) <= text.size()) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data() + at, sizeof word);
        if ((word & high_bits) != 0) {
            break;
        }
        at += sizeof word;
    }
    return at;
}

/// Where the first byte stands that is not part of well-formed UTF-8; npos when all of it is.
inline std::size_t find_bad_utf8(std::string_view text) {
    std::size_t at = ascii_prefix(text);
    while (at < text.size()) {
        const Utf8Char next = decode_utf8(text.substr(at));
        if (next.length == 0) {
            return at;
        }
        at += next.length;
        if (next.length == 1) {
            at += ascii_prefix(text.substr(at));
        }
    }
    return std::string_view::npos;
}

} // namespace mshv::api
