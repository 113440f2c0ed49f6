// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/console/terminal_filter.hpp"

#include <algorithm>
#include <array>

namespace mshv::ctl {
namespace {

constexpr char esc = '\x1b';
constexpr char bel = '\a';
constexpr char can = '\x18';
constexpr char sub = '\x1a';
constexpr char lead = '\xc2'; // of U+0080..U+00BF
constexpr char string_end = '\x9c';
constexpr std::size_t most_held = 64;

/// Palette, hyperlink, foreground, background and cursor colour, and their resets.
constexpr std::array<std::string_view, 9> passing{"4",   "8",   "10",  "11", "12",
                                                  "104", "110", "111", "112"};

} // namespace

std::string TerminalFilter::filter(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size());
    for (const char c : bytes) {
        byte(c, out);
    }
    return out;
}

void TerminalFilter::release(std::string& out) {
    out += held_;
    held_.clear();
}

/// `kind` is the second byte of the two-byte form: [ ] P ^ _ X k, or anything else.
void TerminalFilter::begin(char kind, std::string& out) {
    before_ = '\0';
    switch (kind) {
    case '[':
        inside_ = Inside::csi;
        return;
    case ']':
        inside_ = Inside::osc_number;
        return;
    case 'P': // device control
    case '^':
    case '_':
    case 'X':
    case 'k': // screen's title
        held_.clear();
        inside_ = Inside::dropped_string;
        return;
    default:
        inside_ = Inside::text;
        release(out);
    }
}

void TerminalFilter::inside_text(char c, std::string& out) {
    if (c == esc || c == lead) {
        held_.assign(1, c);
        inside_ = c == esc ? Inside::escape : Inside::lead;
    } else {
        out += c;
    }
}

void TerminalFilter::inside_csi(char c, std::string& out) {
    if (c == esc) {
        // Cut off by a new sequence; a terminal forgets what came before.
        held_.assign(1, c);
        inside_ = Inside::escape;
        return;
    }
    held_ += c;
    const bool ends = c >= '@' && c <= '~';
    if (ends && c == 't') {
        held_.clear();
    }
    if (ends || held_.size() > most_held || c == can || c == sub) {
        release(out);
        inside_ = Inside::text;
    }
}

void TerminalFilter::inside_osc_number(char c, std::string& out) {
    if (c >= '0' && c <= '9' && held_.size() < 8) {
        held_ += c;
        return;
    }
    const auto digit =
        std::find_if(held_.begin(), held_.end(), [](char d) { return d >= '0' && d <= '9'; });
    const std::string_view number(held_.data() + (digit - held_.begin()),
                                  static_cast<std::size_t>(held_.end() - digit));
    if (std::find(passing.begin(), passing.end(), number) != passing.end()) {
        release(out);
        inside_ = Inside::passed_string;
    } else {
        held_.clear();
        inside_ = Inside::dropped_string;
    }
    inside_string(c, out);
}

void TerminalFilter::inside_string(char c, std::string& out) {
    const bool passes = inside_ == Inside::passed_string;
    const bool ends = c == bel || c == can || c == sub || (before_ == lead && c == string_end);
    if (before_ == esc) {
        // ESC \ is the end; ESC with anything else ends the string too and is a sequence of its
        // own.
        before_ = '\0';
        if (c == '\\') {
            out += passes ? "\x1b\\" : "";
            inside_ = Inside::text;
        } else {
            held_.assign(1, esc);
            inside_ = Inside::escape;
            byte(c, out);
        }
        return;
    }
    before_ = c;
    if (passes && c != esc) {
        out += c;
    }
    if (ends) {
        inside_ = Inside::text;
    }
}

void TerminalFilter::byte(char c, std::string& out) {
    switch (inside_) {
    case Inside::text:
        inside_text(c, out);
        break;
    case Inside::lead: {
        const auto code = static_cast<unsigned char>(c);
        held_ += c;
        if (code >= 0x80 && code <= 0x9f) {
            begin(static_cast<char>(code - 0x40), out);
        } else {
            held_.pop_back();
            release(out);
            inside_ = Inside::text;
            inside_text(c, out);
        }
        break;
    }
    case Inside::escape:
        if (c == esc) {
            release(out);
            held_.assign(1, esc);
        } else {
            held_ += c;
            begin(c, out);
        }
        break;
    case Inside::csi:
        inside_csi(c, out);
        break;
    case Inside::osc_number:
        inside_osc_number(c, out);
        break;
    case Inside::passed_string:
    case Inside::dropped_string:
        inside_string(c, out);
        break;
    }
}

} // namespace mshv::ctl
