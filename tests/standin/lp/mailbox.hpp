// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/types.hpp"

namespace mshv::standin {

/// What other processors tell this one: INIT, and after it a start-up interrupt. Whoever posts wakes
/// the receiver. Thread-safe.
class Mailbox {
public:
    /// An INIT undoes a start that was not taken yet.
    void post_init() { __atomic_store_n(&word_, init, __ATOMIC_RELEASE); }
    void post_startup(u32 vector) {
        u32 old = __atomic_load_n(&word_, __ATOMIC_RELAXED);
        while (!__atomic_compare_exchange_n(&word_, &old, (old & init) | startup | vector << 8,
                                            false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
        }
    }

    /// True once for an INIT; a start-up that came behind it stays.
    bool take_init() { return (__atomic_fetch_and(&word_, ~init, __ATOMIC_ACQ_REL) & init) != 0; }
    /// True with the vector when there is a start-up; empties the box.
    bool take_startup(u32& vector) {
        if ((__atomic_load_n(&word_, __ATOMIC_ACQUIRE) & startup) == 0) {
            return false;
        }
        vector = __atomic_exchange_n(&word_, 0, __ATOMIC_ACQ_REL) >> 8;
        return true;
    }

    [[nodiscard]] bool empty() const { return __atomic_load_n(&word_, __ATOMIC_ACQUIRE) == 0; }
    /// 0 = empty. For who waits for it.
    [[nodiscard]] const u32& word() const { return word_; }

private:
    static constexpr u32 init = 1;
    static constexpr u32 startup = 2;
    u32 word_ = 0;
};

} // namespace mshv::standin
