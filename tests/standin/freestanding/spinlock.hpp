// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/types.hpp"

namespace mshv::standin {

/// Taken with interrupts off, which they always are here but for single instructions. In the order
/// in which it was asked for. PAUSE lets an emulated processor's neighbour run.
class Spinlock {
public:
    void lock() {
        const u32 mine = __atomic_fetch_add(&next_, 1, __ATOMIC_RELAXED);
        while (__atomic_load_n(&serving_, __ATOMIC_ACQUIRE) != mine) {
            __builtin_ia32_pause();
        }
    }
    void unlock() { __atomic_store_n(&serving_, serving_ + 1, __ATOMIC_RELEASE); }

private:
    u32 next_ = 0;
    u32 serving_ = 0;
};

class Guard {
public:
    explicit Guard(Spinlock& lock) : lock_(lock) { lock_.lock(); }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    ~Guard() { lock_.unlock(); }

private:
    Spinlock& lock_;
};

} // namespace mshv::standin
