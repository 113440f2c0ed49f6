// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/output/shell_words.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace mshv::ctl {
namespace {

bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_@%+=:,./-").find(c) != std::string_view::npos;
}

bool is_printable(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte < 0x7f;
}

} // namespace

void append_shell_word(std::string& out, std::string_view text) {
    if (!text.empty() && std::all_of(text.begin(), text.end(), is_plain)) {
        out += text;
        return;
    }
    const bool printable = std::all_of(text.begin(), text.end(), is_printable);
    out += printable ? "'" : "$'";
    for (const char c : text) {
        if (!is_printable(c)) {
            std::array<char, 5> octal{};
            std::snprintf(octal.data(), octal.size(), "\\%03o", static_cast<unsigned char>(c));
            out += octal.data();
        } else if (c == '\'') {
            out += printable ? R"('\'')" : R"(\')";
        } else if (c == '\\' && !printable) {
            out += R"(\\)";
        } else {
            out += c;
        }
    }
    out += '\'';
}

} // namespace mshv::ctl
