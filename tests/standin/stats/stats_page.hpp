// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/spinlock.hpp"

namespace mshv::standin {

/// The page in which the root reads an object's counters, while it has it mapped; a page that the root
/// has deposited. Thread-safe: one processor counts, another one takes the page away.
class StatsPage {
public:
    /// Once more, and the first time on the page that `take` gives. Null when it gives none.
    template <typename Take>
    u64* map(Take take) {
        const Guard guard(lock_);
        if (maps_ == 0) {
            __atomic_store_n(&page_, take(), __ATOMIC_RELAXED);
        }
        maps_ += page_ != nullptr ? 1 : 0;
        return page_;
    }

    enum class Unmapped : u8 { no, not_yet, page };
    /// One time less; `page` when that was the last one: it is `freed` then.
    Unmapped unmap(u64*& freed) {
        const Guard guard(lock_);
        if (maps_ == 0) {
            return Unmapped::no;
        }
        if (--maps_ != 0) {
            return Unmapped::not_yet;
        }
        freed = page_;
        __atomic_store_n(&page_, nullptr, __ATOMIC_RELAXED);
        return Unmapped::page;
    }

    /// Lets `fill` write the counters, if anyone can read them.
    template <typename Fill>
    void publish(Fill fill) {
        if (__atomic_load_n(&page_, __ATOMIC_RELAXED) == nullptr) {
            return;
        }
        const Guard guard(lock_);
        if (page_ != nullptr) {
            fill(page_);
        }
    }

private:
    Spinlock lock_;
    u64* page_ = nullptr;
    u32 maps_ = 0;
};

} // namespace mshv::standin
