// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/spinlock.hpp"

namespace mshv::standin {

/// What the TSCs of a partition's VPs are ahead of the machine's. A parent sets one VP's after the
/// other, to what it means by one moment (QEMU: 0, when they are reset), and there is one reference
/// TSC page for all: a VP whose TSC were behind would find that each of its timers comes too early,
/// set it once more and find the same, and never come to anything else. So those that would be less
/// than a second apart are not apart. Thread-safe. Pure; also compiled for the host, where it is
/// tested.
class PartitionTsc {
public:
    /// The offset of a VP whose TSC is to be `value` where the machine's, of this rate, is `now`.
    u64 set(u64 value, u64 now, u64 rate) {
        const Guard guard(lock_);
        const u64 offset = value - now;
        const u64 apart = offset - offset_;
        const bool is_near = apart < rate || 0 - apart < rate;
        if (!is_set_ || !is_near) {
            offset_ = offset;
            is_set_ = true;
        }
        return offset_;
    }

private:
    Spinlock lock_;
    u64 offset_ = 0;
    bool is_set_ = false;
};

} // namespace mshv::standin
