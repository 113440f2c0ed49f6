// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

// The one escaper between foreign text and a terminal. Whatever came from a file, a guest, a VMM or
// another user passes it before it is printed, so that no such text can move the cursor, set a
// title or show itself in an order other than its bytes'.

namespace mshv::api {

/// One UTF-8 sequence. `length` is 0 where the bytes are no shortest-form encoding of a scalar
/// value.
struct Utf8Char {
    char32_t code = 0;
    std::size_t length = 0;
};

/// The sequence at the start of `text`, which may not be empty.
constexpr Utf8Char decode_utf8(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    if (first < 0x80) {
        return {first, 1};
    }
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < length) {
        return {};
    }
    char32_t code = first & (0xffU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0) != 0x80) {
            return {};
        }
        code = (code << 6) | (byte(i) & 0x3fU);
    }
    const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
    const bool surrogate = code >= 0xd800 && code <= 0xdfff;
    if (overlong || surrogate || code > 0x10ffff) {
        return {};
    }
    return {code, length};
}

/// True for what a terminal obeys or hides instead of showing: C0 and C1 controls, DEL, line and
/// paragraph separators, bidirectional and zero-width controls, tags.
constexpr bool is_terminal_control(char32_t c) {
    const auto within = [c](char32_t low, char32_t high) { return c >= low && c <= high; };
    return c < 0x20 || within(0x7f, 0x9f) || c == 0xad || c == 0x61c || c == 0x180e ||
           within(0x200b, 0x200f) || within(0x2028, 0x202e) || within(0x2060, 0x206f) ||
           c == 0xfeff || within(0xfff9, 0xfffb) || within(0xe0000, 0xe007f);
}

enum class EscapeLayout {
    one_line,   ///< newlines and tabs become \n and \t
    keep_lines, ///< newlines and tabs pass
};

/// `text` made safe to print: C0 controls but those that `layout` keeps and bytes that are no UTF-8
/// become \xNN, other controls \u{NNNN}; all else passes as it is.
inline std::string escape_terminal(std::string_view text,
                                   EscapeLayout layout = EscapeLayout::one_line) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const Utf8Char c = decode_utf8(text);
        const bool line = c.code == '\n' || c.code == '\t';
        if (c.length == 0 || (c.length == 1 && is_terminal_control(c.code) && !line)) {
            const auto byte = static_cast<unsigned char>(text.front());
            out += {'\\', 'x', digits[byte >> 4], digits[byte & 0xf]};
        } else if (line && layout == EscapeLayout::one_line) {
            out += c.code == '\n' ? "\\n" : "\\t";
        } else if (c.length > 1 && is_terminal_control(c.code)) {
            out += "\\u{";
            for (int shift = c.code > 0xffff ? 20 : 12; shift >= 0; shift -= 4) {
                out += digits[(c.code >> shift) & 0xf];
            }
            out += '}';
        } else {
            out += text.substr(0, c.length);
        }
        text.remove_prefix(c.length == 0 ? 1 : c.length);
    }
    return out;
}

} // namespace mshv::api
