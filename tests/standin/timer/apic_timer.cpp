// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/timer/apic_timer.hpp"

#include "tests/standin/timer/reference_time.hpp"

namespace mshv::standin {
namespace {

constexpr u32 periodic_mode = 1U << 17;
constexpr u32 lvt_writable = 0xFF | 1U << 16 | periodic_mode;
constexpr u32 divide_writable = 0xB;

} // namespace

bool ApicTimer::periodic() const {
    return (lvt_ & periodic_mode) != 0;
}

/// Bits 3, 1 and 0: by 2, 4 and so on to 128, then by 1.
u64 ApicTimer::divisor() const {
    const u32 code = (divide_ >> 1 & 4) | (divide_ & 3);
    return 1ULL << ((code + 1) & 7);
}

/// Since the counter was `count_`.
u64 ApicTimer::ticks(u64 now) const {
    return now <= since_ ? 0 : multiply_divide(now - since_, rate_, units_per_second * divisor());
}

u32 ApicTimer::current(u64 now) const {
    if (count_ == 0) {
        return 0;
    }
    const u64 passed = ticks(now);
    if (passed < count_) {
        return static_cast<u32>(count_ - passed);
    }
    return periodic() ? static_cast<u32>(initial_ - (passed - count_) % initial_) : 0;
}

void ApicTimer::restart_at(u32 count, u64 now) {
    count_ = count;
    since_ = now;
}

void ApicTimer::find_deadline(u64 now) {
    deadline_ = never;
    if (count_ == 0 || (lvt_ & masked) != 0) {
        return;
    }
    const u64 tick = units_per_second * divisor();
    const u64 passed = ticks(now);
    u64 end = count_;
    if (passed >= end) { // of a periodic one: the others stop there
        end += ((passed - end) / initial_ + 1) * initial_;
    }
    deadline_ = since_ + multiply_divide_up(end, tick, rate_);
    const bool short_period = multiply_divide(initial_, tick, rate_) < shortest_period;
    if (periodic() && short_period && deadline_ < now + shortest_period) {
        deadline_ = now + shortest_period;
    }
}

void ApicTimer::write_lvt(u32 value, u64 now) {
    restart_at(current(now), now); // one that has run down stays down, whatever it becomes
    lvt_ = value & lvt_writable;
    find_deadline(now);
}

void ApicTimer::write_initial(u32 value, u64 now) {
    initial_ = value;
    restart_at(value, now);
    find_deadline(now);
}

void ApicTimer::write_divide(u32 value, u64 now) {
    restart_at(current(now), now);
    divide_ = value & divide_writable;
    find_deadline(now);
}

void ApicTimer::restore(u32 lvt, u32 initial, u32 divide, u32 current, u64 now) {
    lvt_ = lvt & lvt_writable;
    initial_ = initial;
    divide_ = divide & divide_writable;
    restart_at(current < initial ? current : initial, now);
    find_deadline(now);
}

bool ApicTimer::expire(u64 now) {
    if (deadline_ > now) {
        return false;
    }
    if (!periodic()) {
        count_ = 0;
    }
    find_deadline(now);
    return true;
}

} // namespace mshv::standin
