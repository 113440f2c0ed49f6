// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/timer/timer_queue.hpp"

namespace mshv::standin {

/// The four timer registers of a local APIC, by reference time: one-shot and periodic. Source:
/// AMD64 APM volume 2, §16.4.1. Whoever writes one takes what has expired first.
class ApicTimer {
public:
    constexpr ApicTimer() = default;
    /// Counts at `rate` Hz before it is divided.
    constexpr explicit ApicTimer(u64 rate) : rate_(rate) {}

    [[nodiscard]] u32 lvt() const { return lvt_; }
    [[nodiscard]] u32 initial() const { return initial_; }
    [[nodiscard]] u32 divide() const { return divide_; }
    [[nodiscard]] u32 current(u64 now) const;
    [[nodiscard]] u32 vector() const { return lvt_ & 0xFF; }

    void write_lvt(u32 value, u64 now);
    void write_initial(u32 value, u64 now);
    void write_divide(u32 value, u64 now);

    /// As another one was, whose counter stood at `current`.
    void restore(u32 lvt, u32 initial, u32 divide, u32 current, u64 now);

    /// When the next interrupt is due.
    [[nodiscard]] u64 deadline() const { return deadline_; }
    /// True once when it is.
    bool expire(u64 now);

private:
    [[nodiscard]] bool periodic() const;
    [[nodiscard]] u64 divisor() const;
    [[nodiscard]] u64 ticks(u64 now) const;
    void restart_at(u32 count, u64 now);
    void find_deadline(u64 now);

    static constexpr u32 masked = 1U << 16;

    u64 rate_ = 1;
    u32 lvt_ = masked;
    u32 initial_ = 0;
    u32 divide_ = 0;
    u32 count_ = 0; ///< the counter was this
    u64 since_ = 0; ///< at this time
    u64 deadline_ = never;
};

} // namespace mshv::standin
