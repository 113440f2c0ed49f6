// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/types.hpp"

namespace mshv::standin {

/// A moment of reference time that does not come.
constexpr u64 never = ~0ULL;

/// A period that is shorter is drawn out: its interrupts would leave the guest no time.
constexpr u64 shortest_period = 1000;

/// Something that is to happen at a moment of reference time. It stays where it is while it is
/// queued.
struct Timer {
    /// Does it, and returns the moment at which it is to happen again.
    using Expired = u64 (*)(Timer& self, u64 now);

    Expired expired = nullptr;
    u64 deadline = never; ///< kept by the queue, and so is `next`
    Timer* next = nullptr;
};

/// What is to happen on one logical processor, earliest first; of those at the same moment the
/// first that was set. A processor has a handful of them, so a list does.
class TimerQueue {
public:
    /// Moves the timer, queued or not. `never` takes it out.
    void set(Timer& timer, u64 deadline);

    /// Takes the earliest out if its moment has come; null otherwise.
    Timer* take(u64 now);

    [[nodiscard]] u64 first() const { return head_ == nullptr ? never : head_->deadline; }

private:
    void remove(Timer& timer);

    Timer* head_ = nullptr;
};

} // namespace mshv::standin
