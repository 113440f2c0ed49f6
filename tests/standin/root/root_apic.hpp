// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/lp/local_apic.hpp"
#include "tests/standin/lp/lp.hpp"

namespace mshv::standin {

/// The root's local APICs are the machine's own, except that an INIT or a start-up interrupt must
/// not reach a processor itself: it would reset it, hypervisor and all; and except for the timer,
/// which is the hypervisor's. `where`: the register's offset in the page, of this processor's own
/// APIC.
u32 read_root_apic(Lp& lp, u32 where);
void write_root_apic(Lp& lp, u32 where, u32 value);

/// Where the hypervisor's own interrupt would be seen before it is taken.
constexpr u32 own_request = local_apic::reg::irr + local_apic::own_vector / 32 * 16;

/// True when the command was an INIT or a start-up interrupt, which has been dealt with and must
/// not reach the machine. `destination`: an APIC id, if the command has no shorthand.
bool take_root_command(const Lp& self, u32 command, u32 destination);

/// What INIT does to it, but that it goes on taking the interrupt by which this processor is woken.
/// Interrupts that were in service are the past's.
void reset_root_apic(Lp& lp);

} // namespace mshv::standin
