// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/sched/turns.hpp"

namespace mshv::standin {

/// What can be given a turn. It stays where it is while it is queued, and is in one queue at most.
struct Runnable {
    Runnable* next = nullptr; ///< kept by the queue, and so is `queued`
    bool queued = false;
    u64 left = Turns::longest; ///< of its turn
};

/// Those that wait for a turn on one logical processor. Pure; who shares it locks it, but for
/// is_empty().
class RunQueue {
public:
    [[nodiscard]] bool is_empty() const {
        return __atomic_load_n(&first_, __ATOMIC_SEQ_CST) == nullptr;
    }

    /// Behind all others, or before them. One that is queued stays where it is.
    void add_last(Runnable& one) {
        if (one.queued) {
            return;
        }
        one.next = nullptr;
        one.queued = true;
        Runnable* last = first_;
        while (last != nullptr && last->next != nullptr) {
            last = last->next;
        }
        if (last == nullptr) {
            set_first(&one);
        } else {
            last->next = &one;
        }
    }
    void add_first(Runnable& one) {
        if (one.queued) {
            return;
        }
        one.next = first_;
        one.queued = true;
        set_first(&one);
    }

    /// Null when nobody waits.
    Runnable* take() {
        Runnable* const one = first_;
        if (one != nullptr) {
            remove(*one);
        }
        return one;
    }
    /// Nothing when it is not in this queue.
    void remove(Runnable& one) {
        if (first_ == &one) {
            set_first(one.next);
            forget(one);
            return;
        }
        for (Runnable* before = first_; before != nullptr; before = before->next) {
            if (before->next == &one) {
                before->next = one.next;
                forget(one);
                return;
            }
        }
    }

private:
    void set_first(Runnable* one) { __atomic_store_n(&first_, one, __ATOMIC_SEQ_CST); }
    static void forget(Runnable& one) {
        one.next = nullptr;
        one.queued = false;
    }

    Runnable* first_ = nullptr;
};

} // namespace mshv::standin
