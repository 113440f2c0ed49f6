// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/lp/lp.hpp"

namespace mshv::standin {

/// The root's local APICs are the machine's own, except that an INIT or a start-up interrupt must
/// not reach a processor itself: it would reset it, hypervisor and all; and except for the timer,
/// which is the hypervisor's. `where`: the register's offset in the page, of this processor's own
/// APIC.
u32 read_root_apic(Lp& lp, u32 where);
void write_root_apic(Lp& lp, u32 where, u32 value);

/// What INIT does to it, but that it goes on taking the interrupt by which this processor is woken.
/// Interrupts that were in service are the past's.
void reset_root_apic(Lp& lp);

/// The same registers as MSRs, for a root that is advised to use them so: source TLFS, "APIC MSRs".
bool is_apic_msr(u32 number);
bool read_apic_msr(u32 number, u64& value);
bool write_apic_msr(Lp& lp, u32 number, u64 value);

} // namespace mshv::standin
