// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/lp/local_apic.hpp"

#include "tests/standin/cpu/instructions.hpp"

namespace mshv::standin::local_apic {

void send(u32 apic_id, u32 command) {
    while ((read(reg::icr_low) & icr::pending) != 0) {
        pause();
    }
    write(reg::icr_high, apic_id << 24);
    write(reg::icr_low, command);
}

} // namespace mshv::standin::local_apic
