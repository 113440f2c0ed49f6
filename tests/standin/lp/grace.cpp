// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/lp/grace.hpp"

#include "tests/standin/cpu/instructions.hpp"
#include "tests/standin/lp/hold.hpp"

namespace mshv::standin {
namespace {

bool is_quiet(const Lp& lp) {
    return !__atomic_load_n(&lp.up, __ATOMIC_ACQUIRE) || lp.presence.is_inside() ||
           __atomic_load_n(&lp.idle, __ATOMIC_SEQ_CST);
}

} // namespace

void wait_for_others() {
    Lp& self = this_lp();
    const Idle idle(self); // two that wait for each other
    for (const Lp& lp : lps()) {
        const u64 before = lp.presence.visits();
        while (&lp != &self && !is_quiet(lp) && lp.presence.visits() == before) {
            hold::pass(self); // or who holds, and this, would wait for each other
            pause();
        }
    }
}

} // namespace mshv::standin
