// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/intercept/messages.hpp"
#include "tests/standin/vp/child_vp.hpp"

/// Tells a child's parent what its VP has run into, and suspends the VP. By the processor that runs
/// it.
namespace mshv::standin::intercept {

SegmentRegister to_register(const svm::Segment& segment);
svm::Segment to_segment(const SegmentRegister& reg);

void report_memory(ChildVp& vp, u64 gpa, Access access, bool mapped);
void report_port(ChildVp& vp, u64 exit_info, u64 next_rip);
void report_unrecoverable(ChildVp& vp);
void report_invalid_state(ChildVp& vp);
void report_end_of_interrupt(ChildVp& vp, u32 vector);
void report_cpuid(ChildVp& vp, u32 eax, u32 ebx, u32 ecx, u32 edx);
void report_msr(ChildVp& vp, bool write);

} // namespace mshv::standin::intercept
