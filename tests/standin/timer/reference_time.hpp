// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/types.hpp"

// The arithmetic of reference time, which counts units of 100 ns. Without a library there is no
// division of 128 bits but the processor's own.

namespace mshv::standin {

constexpr u64 units_per_second = 10'000'000;

/// The upper half of a product.
inline u64 multiply_high(u64 a, u64 b) {
    u64 low = 0;
    u64 high = 0;
    asm("mulq %3" : "=a"(low), "=d"(high) : "a"(a), "r"(b) : "cc");
    return high;
}

/// a * b / c, the product in 128 bits. The quotient must fit.
inline u64 multiply_divide(u64 a, u64 b, u64 c) {
    u64 remainder = 0;
    asm("mulq %2\n\t"
        "divq %3"
        : "+&a"(a), "=&d"(remainder)
        : "r"(b), "r"(c)
        : "cc");
    return a;
}

/// The same, rounded up.
inline u64 multiply_divide_up(u64 a, u64 b, u64 c) {
    const u64 quotient = multiply_divide(a, b, c);
    return quotient + (quotient * c != a * b ? 1 : 0); // the low halves differ by the remainder
}

/// How reference time follows from the TSC: time = (tsc * scale >> 64) + offset, by which a guest
/// reckons, too.
struct ReferenceTime {
    u64 scale = 0;
    u64 offset = 0;

    /// Zero at `start`. The TSC must be faster than reference time, as each is.
    static ReferenceTime from(u64 tsc_rate, u64 start) {
        u64 high = units_per_second; // units a tick, times 2^64
        u64 low = 0;
        asm("divq %2" : "+a"(low), "+d"(high) : "r"(tsc_rate) : "cc");
        return {low, 0 - multiply_high(start, low)};
    }
    [[nodiscard]] u64 at(u64 tsc) const { return multiply_high(tsc, scale) + offset; }
};

/// What the guest reads instead of the register, as long as the sequence is not 0 and the same
/// before and after. Source: TLFS, "Partition Reference TSC Mechanism".
struct ReferenceTscPage {
    u32 sequence;
    u32 reserved;
    u64 scale;
    u64 offset;
};

constexpr u32 longest_countdown = 0xFFFFFFFF;

/// What a counter of `rate` must count down so that it ends at `deadline` and not before, as far as
/// it can: one that is too far away is a countdown to look again.
inline u32 countdown(u64 now, u64 deadline, u64 rate) {
    if (deadline <= now) {
        return 1; // 0 would stop it
    }
    const u64 farthest = multiply_divide(longest_countdown, units_per_second, rate);
    if (deadline - now >= farthest) {
        return longest_countdown;
    }
    return static_cast<u32>(multiply_divide_up(deadline - now, rate, units_per_second));
}

} // namespace mshv::standin
