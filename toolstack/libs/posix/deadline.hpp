// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <limits>

namespace mshv::posix {

/// A point in monotonic time that a chain of waits shares. It is passed down by value, so that
/// five waits in a row have together the time that the caller allowed, not each.
class Deadline {
public:
    using Clock = std::chrono::steady_clock;

    static Deadline never() { return Deadline{Clock::time_point::max()}; }
    static Deadline after(std::chrono::milliseconds span) { return Deadline{Clock::now() + span}; }
    static Deadline at(Clock::time_point point) { return Deadline{point}; }

    [[nodiscard]] bool is_never() const { return point_ == Clock::time_point::max(); }
    [[nodiscard]] bool expired() const { return !is_never() && Clock::now() >= point_; }
    [[nodiscard]] Clock::time_point point() const { return point_; }

    /// What poll(2) wants: milliseconds left, rounded up so that a wait never ends early;
    /// 0 when expired, -1 for never.
    [[nodiscard]] int poll_timeout() const {
        if (is_never()) {
            return -1;
        }
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(point_ - Clock::now());
        if (left.count() <= 0) {
            return 0;
        }
        constexpr auto longest = std::numeric_limits<int>::max();
        return left.count() > longest ? longest : static_cast<int>(left.count());
    }

private:
    explicit Deadline(Clock::time_point point) : point_(point) {}
    Clock::time_point point_;
};

} // namespace mshv::posix
