// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/vp/child_vp.hpp"

/// Ends of interrupts that the guest need not tell: while its assist page says so, it clears a bit
/// there in place of a write to its APIC, which would be an exit. Source: TLFS, "Virtual Processor
/// Assist Page" and "EOI Assist". By the processor that runs the VP, but for the last.
namespace mshv::standin::eoi_assist {

/// The APIC's interrupt that is being offered need not be ended, if nothing else waits for its end.
void offer(ChildVp& vp, u32 vector);

/// It was not delivered.
void withdraw(ChildVp& vp);

/// Ends the interrupt if the guest has said so. If it has not, and others wait for that, it is to
/// write to its APIC after all.
void settle(ChildVp& vp);

/// The guest is to write to its APIC in any case: somebody is about to read or to replace what that
/// holds. By whoever has the VP's lock.
void take_back(ChildVp& vp);

} // namespace mshv::standin::eoi_assist
