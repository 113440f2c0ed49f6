// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/lp/shootdown.hpp"

#include "tests/standin/cpu/instructions.hpp"
#include "tests/standin/lp/lp.hpp"

namespace mshv::standin {
namespace {

constinit TranslationClock machine_clock;

} // namespace

TranslationClock& translation_clock() {
    return machine_clock;
}

void flush_guests() {
    const u64 moment = machine_clock.advance();
    for (Lp& lp : lps()) {
        if (lp.presence.is_behind(moment)) {
            kick(lp);
        }
    }
    for (const Lp& lp : lps()) {
        while (lp.presence.is_behind(moment)) {
            pause();
        }
    }
}

} // namespace mshv::standin
