// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/vp/eoi_assist.hpp"

namespace mshv::standin::eoi_assist {
namespace {

constexpr u64 enabled = 1;
constexpr u32 no_eoi_required = 1; // of the page's first word

/// Null where the guest has no such page. Looked up each time: the parent may have taken it.
u32* word_of(const ChildVp& vp) {
    if ((vp.synthetic.vp_assist & enabled) == 0) {
        return nullptr;
    }
    const auto found = vp.partition.memory.find(align_down(vp.synthetic.vp_assist, page_size));
    return found.present && found.rights.write ? at<u32>(found.address) : nullptr;
}

/// True when it was set still.
bool clear(u32& word) {
    return (__atomic_fetch_and(&word, ~no_eoi_required, __ATOMIC_SEQ_CST) & no_eoi_required) != 0;
}

/// Only edges are left to it, whose end nobody else hears of.
void end(ChildVp& vp) {
    vlapic::Effects effects;
    vp.apic.end_of_interrupt(effects);
}

} // namespace

void offer(ChildVp& vp, u32 vector) {
    take_back(vp);
    u32* const word = vp.apic.is_alone(vector) ? word_of(vp) : nullptr;
    if (word != nullptr) {
        __atomic_fetch_or(word, no_eoi_required, __ATOMIC_SEQ_CST);
        vp.eoi_assisted = true;
    }
}

void withdraw(ChildVp& vp) {
    u32* const word = vp.eoi_assisted ? word_of(vp) : nullptr;
    if (word != nullptr) {
        (void)clear(*word);
    }
    vp.eoi_assisted = false;
}

void settle(ChildVp& vp) {
    if (!vp.eoi_assisted) {
        return;
    }
    const u32* const word = word_of(vp);
    const bool is_set =
        word != nullptr && (__atomic_load_n(word, __ATOMIC_SEQ_CST) & no_eoi_required) != 0;
    if (!is_set || vp.apic.requested()) {
        take_back(vp);
    }
}

void take_back(ChildVp& vp) {
    if (!vp.eoi_assisted) {
        return;
    }
    vp.eoi_assisted = false;
    u32* const word = word_of(vp);
    if (word != nullptr && !clear(*word)) {
        end(vp);
    }
}

} // namespace mshv::standin::eoi_assist
