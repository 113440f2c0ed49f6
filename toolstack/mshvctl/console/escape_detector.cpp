// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/console/escape_detector.hpp"

namespace mshv::ctl {
namespace {

constexpr std::string_view paste_begin = "\x1b[200~";
constexpr std::string_view paste_end = "\x1b[201~";

} // namespace

std::optional<EscapeDetector::Clock::time_point> EscapeDetector::due() const {
    return pending_ ? std::optional(*pending_ + second_key) : std::nullopt;
}

EscapeDetector::Result EscapeDetector::second(char key) {
    pending_.reset();
    if (key == escape_) {
        return {std::string(1, escape_), Action::none};
    }
    return {{}, key == '?' ? Action::help : Action::detach};
}

void EscapeDetector::follow_paste(std::string_view bytes) {
    for (const char c : bytes) {
        mark_ += c;
        const std::string_view wanted = in_paste_ ? paste_end : paste_begin;
        if (mark_ == wanted) {
            in_paste_ = !in_paste_;
            mark_.clear();
        } else if (!wanted.starts_with(mark_)) {
            // Only its first byte, ESC, can begin a mark anew.
            mark_.assign(c == wanted.front() ? 1 : 0, c);
        }
    }
}

EscapeDetector::Result EscapeDetector::feed(std::string_view bytes, Clock::time_point now) {
    if (bytes.empty()) {
        return {};
    }
    const bool alone = !in_paste_ && (!last_ || now - *last_ >= idle);
    last_ = now;
    if (pending_) {
        const auto age = now - *pending_;
        const bool command =
            bytes.size() == 1 && (bytes[0] == '.' || bytes[0] == '?' || bytes[0] == escape_);
        if (command) {
            return second(bytes[0]);
        }
        if (age >= idle) {
            // It was alone; what comes now was typed for the shell that is no longer hidden.
            pending_.reset();
            return {{}, Action::detach};
        }
        pending_.reset();
        follow_paste(bytes);
        return {escape_ + std::string(bytes), Action::none};
    }
    if (alone && bytes[0] == escape_) {
        if (bytes.size() == 1) {
            pending_ = now;
            return {};
        }
        // Two keys in one read, as a slow link or a key's repetition brings them.
        if (bytes.size() == 2 && (bytes[1] == '.' || bytes[1] == '?' || bytes[1] == escape_)) {
            return second(bytes[1]);
        }
    }
    follow_paste(bytes);
    return {std::string(bytes), Action::none};
}

EscapeDetector::Result EscapeDetector::tick(Clock::time_point now) {
    if (!pending_ || now < *pending_ + second_key) {
        return {};
    }
    pending_.reset();
    return {{}, Action::detach};
}

} // namespace mshv::ctl
