// SPDX-License-Identifier: Apache-2.0
#include "daemon/keeper/error_tail.hpp"

#include <algorithm>
#include <fcntl.h>
#include <unistd.h>

namespace mshv::keeper {

ErrorTail::ErrorTail(const std::string& log_path)
    : log_(::open(log_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)) {}

void ErrorTail::append(std::string_view bytes) {
    const auto logged = bytes.substr(0, largest_log - logged_);
    if (log_ && !logged.empty() && ::write(log_.get(), logged.data(), logged.size()) > 0) {
        logged_ += logged.size();
    }
    tail_ += bytes.substr(bytes.size() - std::min(bytes.size(), most_kept));
    if (tail_.size() > most_kept) {
        tail_.erase(0, tail_.size() - most_kept);
    }
}

std::string ErrorTail::text() const {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    for (const char c : tail_) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '\n' || (byte >= 0x20 && byte < 0x7f)) {
            out += c;
        } else if (c != '\r') {
            out += "\\x";
            out += digits[byte >> 4U];
            out += digits[byte & 0xfU];
        }
    }
    while (!out.empty() && out.back() == '\n') {
        out.pop_back();
    }
    return out;
}

} // namespace mshv::keeper
