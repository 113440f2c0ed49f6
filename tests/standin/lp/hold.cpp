// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/lp/hold.hpp"

#include "tests/standin/cpu/instructions.hpp"

namespace mshv::standin::hold {
namespace {

u32 taken = 0;
u64 last = 0;    ///< the number of the last hold; its holder's own
u64 current = 0; ///< the number of that which is on; 0 = none

} // namespace

bool is_on() {
    return __atomic_load_n(&current, __ATOMIC_SEQ_CST) != 0;
}

void pass(Lp& self) {
    const u64 asked = __atomic_load_n(&current, __ATOMIC_SEQ_CST);
    if (asked == 0) {
        return;
    }
    __atomic_store_n(&self.held_for, asked, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&current, __ATOMIC_SEQ_CST) == asked) {
        pause();
    }
}

void begin(Lp& self) {
    while (__atomic_exchange_n(&taken, 1, __ATOMIC_ACQUIRE) != 0) {
        pass(self); // or the two would wait for each other
        pause();
    }
    const u64 number = ++last;
    __atomic_store_n(&current, number, __ATOMIC_SEQ_CST);
    const auto runs = [&self](const Lp& lp) {
        return &lp != &self && __atomic_load_n(&lp.runs_guest, __ATOMIC_SEQ_CST);
    };
    for (Lp& lp : lps()) {
        if (runs(lp)) {
            kick(lp);
        }
    }
    for (const Lp& lp : lps()) {
        while (runs(lp) && __atomic_load_n(&lp.held_for, __ATOMIC_SEQ_CST) != number) {
            pause();
        }
    }
}

void end() {
    __atomic_store_n(&current, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&taken, 0, __ATOMIC_RELEASE);
}

} // namespace mshv::standin::hold
