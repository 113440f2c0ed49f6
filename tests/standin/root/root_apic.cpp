// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/root/root_apic.hpp"

#include "tests/standin/console/log.hpp"
#include "tests/standin/lp/local_apic.hpp"
#include "tests/standin/lp/lp_timers.hpp"
#include "tests/standin/root/root_partition.hpp"
#include "tests/standin/root/root_timers.hpp"

namespace mshv::standin {
namespace {

namespace reg = local_apic::reg;
namespace icr = local_apic::icr;

void deliver(u32 apic_id, u32 command) {
    for (Lp& lp : lps()) {
        if (lp.apic_id != apic_id) {
            continue;
        }
        if (!root_options().hide_hypervisor && root_partition().vps[lp.index] == nullptr) {
            Log() << "lp " << lp.index << " has no vp: it is not started";
            return;
        }
        switch (command & icr::mode_mask) {
        case icr::init:
            lp.mailbox.post_init();
            break;
        case icr::startup:
            lp.mailbox.post_startup(command & 0xFF);
            break;
        default:
            __atomic_store_n(&lp.nmi_for_root, true, __ATOMIC_SEQ_CST);
            kick(lp);
            return;
        }
        // Out of the guest, whatever the guest thinks of interrupts; then out of the wait for one.
        kick(lp);
        local_apic::send(apic_id, local_apic::own_vector | icr::assert_level);
        return;
    }
}

} // namespace

bool take_root_command(const Lp& self, u32 command, u32 destination) {
    const u32 mode = command & icr::mode_mask;
    const u32 to = command & icr::shorthand_mask;
    // An NMI to others, too: sent as one, it could not be told from the hypervisor's own.
    if (mode != icr::init && mode != icr::startup && (mode != icr::nmi || to == icr::to_self)) {
        return false;
    }
    if (mode == icr::init && (command & icr::assert_level) == 0) {
        return true; // the end of one; nothing waits for it
    }
    if (to == 0) {
        deliver(destination, command);
        return true;
    }
    for (const Lp& lp : lps()) {
        if (lp.index != self.index) {
            deliver(lp.apic_id, command);
        }
    }
    return true;
}

u32 read_root_apic(Lp& lp, u32 where) {
    if (is_root_timer_register(where)) {
        return read_root_timer(lp, where);
    }
    const u32 value = local_apic::read(where);
    return where == own_request ? value & ~(1U << local_apic::own_vector % 32) : value;
}

void write_root_apic(Lp& lp, u32 where, u32 value) {
    if (is_root_timer_register(where)) {
        write_root_timer(lp, where, value);
        return;
    }
    if (where == reg::icr_low &&
        take_root_command(lp, value, local_apic::read(reg::icr_high) >> 24)) {
        return;
    }
    local_apic::write(where, value);
    if (where == reg::spurious) {
        if ((value & local_apic::enabled) == 0) {
            mask_root_timer(lp);
        }
        lp_timers::restore(lp); // the APIC has masked the physical one, too
    }
}

void reset_root_apic(Lp& lp) {
    constexpr u32 local_vectors[] = {0x330, 0x340, 0x350, 0x360, 0x370}; // but the timer's
    for (const u32 where : local_vectors) {
        local_apic::write(where, local_apic::lvt_masked);
    }
    local_apic::write(reg::task_priority, 0);
    local_apic::write(reg::spurious, local_apic::enabled | 0xFF);
    reset_root_timers(lp);
    lp_timers::restore(lp);
}

} // namespace mshv::standin
