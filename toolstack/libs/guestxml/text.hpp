// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/escape.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace mshv::guestxml {

/// `text` quoted for a message: escaped, and cut where it is long.
inline std::string shown(std::string_view text) {
    constexpr std::size_t longest = 64;
    const bool cut = text.size() > longest;
    std::size_t end = cut ? longest : text.size();
    while (cut && end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) {
        --end; // never within a sequence
    }
    return "'" + api::escape_terminal(text.substr(0, end)) + (cut ? "…'" : "'");
}

constexpr std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    const std::size_t start = text.find_first_not_of(blanks);
    if (start == std::string_view::npos) {
        return {};
    }
    return text.substr(start, text.find_last_not_of(blanks) + 1 - start);
}

/// The words of a list that blanks separate.
inline std::vector<std::string_view> words_in(std::string_view list) {
    std::vector<std::string_view> words;
    for (list = trimmed(list); !list.empty(); list = trimmed(list)) {
        const std::size_t end = std::min(list.find_first_of(" \t\r\n"), list.size());
        words.push_back(list.substr(0, end));
        list.remove_prefix(end);
    }
    return words;
}

constexpr bool has_word(std::string_view list, std::string_view word) {
    for (std::size_t at = list.find(word); at != std::string_view::npos;
         at = list.find(word, at + 1)) {
        const std::size_t end = at + word.size();
        if ((at == 0 || list[at - 1] == ' ') && (end == list.size() || list[end] == ' ')) {
            return !word.empty() && word.find(' ') == std::string_view::npos;
        }
    }
    return false;
}

} // namespace mshv::guestxml
