// SPDX-License-Identifier: Apache-2.0
//
// A parent whose children's VPs the hypervisor schedules: they run while the root's processor
// sleeps, or by turns with it.
#include "tests/lab/child/parent.hpp"

namespace mshv::standin::probe {
namespace {

constexpr u32 explicit_suspend = 0, intercept_suspend = 1, internal_activity = 4;

} // namespace

bool root_schedules() {
    constexpr u64 property_scheduler = 15, root_scheduler = 4;
    static Page in, out;
    static u64 type = 0;
    if (type == 0) {
        in.words[0] = property_scheduler;
        (void)call(0x7B, &in, &out);
        type = out.words[0];
    }
    return type == root_scheduler;
}

void Child::let_run(u32 vp) {
    if (intercepted_[vp]) {
        intercepted_[vp] = false;
        (void)set(vp, intercept_suspend, 0);
    }
    (void)set(vp, explicit_suspend, 0);
}

bool Child::is_intercepted(u32 vp) {
    synic::Message& slot = scheduler_slot();
    while (__atomic_load_n(&slot.type, __ATOMIC_ACQUIRE) != 0) {
        u32 which = 0;
        __builtin_memcpy(&which, slot.payload, sizeof(which));
        if (slot.type == synic::message_type::opaque_intercept && slot.sender == id_ &&
            which < most_vps) {
            told_[which] = true;
        }
        free_slot(slot);
    }
    if (told_[vp]) {
        told_[vp] = false;
        intercepted_[vp] = true;
    }
    return intercepted_[vp];
}

u32 Child::await_intercept(u32 vp) {
    let_run(vp);
    while (!is_intercepted(vp)) {
        wait_for_interrupt(); // where the children have their turns
        end_interrupt();
    }
    if (get(vp, intercept_suspend) != 1) {
        say(false, "it is told of an intercept that is none", vp);
    }
    return message_type(vp);
}

/// By looking all the time: with one processor it gets there by turns.
bool Child::await_block(u32 vp) {
    let_run(vp);
    while (!is_intercepted(vp)) {
        if (get(vp, internal_activity) != 0) {
            return true;
        }
        if (pending_vector() != 0) {
            end_interrupt();
        }
    }
    return false;
}

} // namespace mshv::standin::probe
