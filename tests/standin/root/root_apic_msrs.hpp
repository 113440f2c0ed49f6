// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/lp/lp.hpp"
#include "tests/standin/root/permissions.hpp"

namespace mshv::standin {

/// The root's local APIC as MSRs: its mode, and in x2APIC mode those of its registers that are not
/// the machine's own. The others do not leave the guest.
void trap_root_apic_msrs(Permissions& permissions);
bool is_root_apic_msr(u32 number);

/// False: #GP.
bool read_root_apic_msr(Lp& lp, u32 number, u64& value);
bool write_root_apic_msr(Lp& lp, u32 number, u64 value);

/// EOI, ICR and TPR as the hypervisor's own MSRs, for a root that is advised to use them so. Source:
/// TLFS, "APIC MSRs".
bool is_advised_apic_msr(u32 number);
bool read_advised_apic_msr(u32 number, u64& value);
bool write_advised_apic_msr(Lp& lp, u32 number, u64 value);

} // namespace mshv::standin
