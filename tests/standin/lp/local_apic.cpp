// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/lp/local_apic.hpp"

#include "tests/standin/cpu/instructions.hpp"

namespace mshv::standin::local_apic {

namespace {

void wait_sent() {
    while ((read(reg::icr_low) & icr::pending) != 0) {
        pause();
    }
}

} // namespace

bool is_any_in_service() {
    u32 any = 0;
    for (u32 i = 0; i < 8; ++i) {
        any |= read(reg::isr + i * 0x10);
    }
    return any != 0;
}

u32 highest_requested() {
    for (u32 i = 8; i-- > 0;) {
        const u32 word = read(reg::irr + i * 0x10);
        if (word != 0) {
            return i * 32 + 31 - static_cast<u32>(__builtin_clz(word));
        }
    }
    return 0;
}

void send(u32 apic_id, u32 command) {
    if (is_x2apic()) {
        write_msr(msr_of(reg::icr_low), u64{apic_id} << 32 | command);
        return;
    }
    wait_sent();
    // The guest may have written the one half and not yet the other.
    const u32 destination = read(reg::icr_high);
    write(reg::icr_high, apic_id << 24);
    write(reg::icr_low, command);
    write(reg::icr_high, destination);
}

void send_self(u32 vector) {
    if (!is_x2apic()) {
        wait_sent();
    }
    write(reg::icr_low, icr::to_self | icr::assert_level | vector);
}

} // namespace mshv::standin::local_apic
