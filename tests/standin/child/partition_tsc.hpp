// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/spinlock.hpp"

namespace mshv::standin {

/// What the TSCs of a partition's VPs are ahead of the machine's. A parent sets one VP's after the
/// other, to what it means by one moment (QEMU: 0, when they are reset), and there is one reference
/// TSC page for all: a VP whose TSC were behind would find that each of its timers comes too early,
/// set it once more and find the same, and never come to anything else. So those that would be less
/// than a second apart are not apart; nor, however long the parent takes, are those that are set to
/// the same while no VP runs; and 0 is where a partition begins, so all VPs have begun once one has:
/// QEMU sets each when its thread comes to it, on a busy machine seconds after the first one runs.
/// Thread-safe. Pure; also compiled for the host, where it is tested.
class PartitionTsc {
public:
    /// The offset of a VP whose TSC is to be `value` where the machine's, of this rate, is `now`.
    u64 set(u64 value, u64 now, u64 rate) {
        const Guard guard(lock_);
        const u64 offset = value - now;
        const bool has_run = __atomic_exchange_n(&has_run_, false, __ATOMIC_SEQ_CST);
        const bool is_same = value == 0 || are_near(offset, offset_, rate) ||
                             (!has_run && are_near(value, value_, rate));
        if (!is_set_ || !is_same) {
            offset_ = offset;
            is_set_ = true;
        }
        value_ = value;
        return offset_;
    }
    /// A VP is about to run.
    void on_run() {
        if (!__atomic_load_n(&has_run_, __ATOMIC_RELAXED)) {
            __atomic_store_n(&has_run_, true, __ATOMIC_SEQ_CST);
        }
    }

private:
    static bool are_near(u64 one, u64 other, u64 rate) {
        return one - other < rate || other - one < rate;
    }

    Spinlock lock_;
    u64 offset_ = 0;
    u64 value_ = 0; ///< that was set last
    bool is_set_ = false;
    bool has_run_ = false; ///< since then; written by all
};

} // namespace mshv::standin
