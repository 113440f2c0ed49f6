// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/vp/child_msrs.hpp"

/// The hypervisor's registers, as far as the VP's partition has the privilege to use them. The
/// pages that a child names are its own memory, into which the hypervisor writes.
namespace mshv::standin::child_msrs {

/// The partition's time has been set or goes on: its reference TSC page says so.
void on_time_changed(const ChildPartition& partition);

bool read_synthetic(ChildVp& vp, u32 number, u64& value);
Result write_synthetic(ChildVp& vp, u32 number, u64 value, u64& gpa);

} // namespace mshv::standin::child_msrs
