// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/vp/child_vp.hpp"

/// A VP's local APIC in its surroundings: what it sends to the other VPs of its partition, and what
/// is sent to it. write() and its kin: by the holder of the VP's lock; the rest: by all.
namespace mshv::standin::interrupt_controller {

void write(ChildVp& vp, u32 where, u32 value);
bool write_msr(ChildVp& vp, u32 number, u64 value);

/// The access of an instruction to the controller's page, which is not in the guest's memory. False
/// when `gpa` is not there.
bool emulate_access(ChildVp& vp, u64 gpa);

void send(ChildPartition& partition, const ChildVp* sender, const vlapic::Command& command);
void send_external(ChildPartition& partition, u32 vector);
void clear_external(ChildPartition& partition);

/// A fixed interrupt of the hypervisor's, as a partition's hook.
void interrupt(Partition& partition, u32 index, u32 vector);

/// A level-triggered interrupt that the VP has ended, of which its parent is yet to hear; 0 = none.
u32 take_ended_level(ChildVp& vp);

} // namespace mshv::standin::interrupt_controller
