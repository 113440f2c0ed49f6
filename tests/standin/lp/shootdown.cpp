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

u64 outdate_translations() {
    return machine_clock.advance();
}

void flush_lps(u64 moment, u64 which) {
    const auto runs_on = [moment, which](const Lp& lp) {
        return (which >> lp.index & 1) != 0 && lp.presence.is_behind(moment);
    };
    for (Lp& lp : lps()) {
        if (runs_on(lp)) {
            kick(lp);
        }
    }
    for (const Lp& lp : lps()) {
        while (runs_on(lp)) {
            pause();
        }
    }
}

void flush_guests() {
    flush_lps(outdate_translations(), ~0ULL);
}

} // namespace mshv::standin
