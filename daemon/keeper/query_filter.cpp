// SPDX-License-Identifier: Apache-2.0
#include "daemon/keeper/query_filter.hpp"

#include <charconv>
#include <utility>

namespace mshv::keeper {
namespace {

constexpr char escape = '\x1b';
constexpr char bell = '\x07';
constexpr char enquiry = '\x05';
/// A longer sequence is passed on as it stands: nothing that asks is so long.
constexpr std::size_t longest_sequence = 512;

} // namespace

std::string QueryFilter::filter(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size());
    for (const char c : bytes) {
        byte(c, out);
    }
    return out;
}

std::string QueryFilter::finish() {
    inside_ = Inside::text;
    return std::exchange(held_, {});
}

std::size_t QueryFilter::take_removed() {
    return std::exchange(removed_, 0);
}

void QueryFilter::end_sequence(bool query, std::string& out) {
    if (query) {
        removed_ += held_.size();
    } else {
        out += held_;
    }
    held_.clear();
    inside_ = Inside::text;
}

/// held_ is ESC [ parameters intermediates final.
bool QueryFilter::csi_asks() const {
    const char last = held_.back();
    const std::string_view body = std::string_view(held_).substr(2, held_.size() - 3);
    const char before = body.empty() ? '\0' : body.back();
    switch (last) {
    case 'c': // device attributes
    case 'x': // terminal parameters
        return true;
    case 'n': // status and cursor position; ESC [ > … n sets a key mode
        return body.empty() || body.front() != '>';
    case 'p': // mode
        return before == '$';
    case 'q': // version
        return !body.empty() && body.front() == '>';
    case 'u': // keyboard mode
        return !body.empty() && body.front() == '?';
    case 't': { // window reports; smaller and greater numbers move and resize
        unsigned number = 0;
        std::from_chars(body.data(), body.data() + body.size(), number);
        return number >= 11 && number <= 21;
    }
    default:
        return false;
    }
}

/// held_ is an OSC or DCS with its terminator.
bool QueryFilter::string_asks() const {
    if (held_[1] == ']') {
        return held_.find(";?") != std::string::npos;
    }
    return held_.compare(2, 2, "$q") == 0 || held_.compare(2, 2, "+q") == 0;
}

void QueryFilter::byte(char c, std::string& out) {
    if (inside_ == Inside::text) {
        if (c == escape) {
            held_ = c;
            inside_ = Inside::escape;
        } else if (c == enquiry) {
            ++removed_;
        } else {
            out += c;
        }
        return;
    }
    if (c == escape && inside_ != Inside::string) {
        // ESC within a sequence starts a new one.
        end_sequence(false, out);
        byte(c, out);
        return;
    }
    held_ += c;
    switch (inside_) {
    case Inside::escape:
        if (c == '[') {
            inside_ = Inside::csi;
        } else if (c == ']' || c == 'P') {
            inside_ = Inside::string;
        } else {
            end_sequence(c == 'Z', out); // ESC Z: identify
        }
        break;
    case Inside::csi:
        if (c >= '@' && c <= '~') {
            end_sequence(csi_asks(), out);
        } else if (c < ' ') {
            end_sequence(false, out);
        }
        break;
    case Inside::string:
        if (c == bell) {
            end_sequence(string_asks(), out);
        } else if (c == escape) {
            inside_ = Inside::string_escape;
        }
        break;
    default: // after ESC inside a string: "\" ends it, anything else cuts it off
        end_sequence(c == '\\' && string_asks(), out);
        break;
    }
    if (held_.size() > longest_sequence) {
        end_sequence(false, out);
    }
}

} // namespace mshv::keeper
