// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/child/child_partition.hpp"

/// The life of a child. Source: TLFS, "Partition Creation" and "Partition Destruction".
namespace mshv::standin::lifecycle {

/// Of a page of the parent's pool. Null with the status of the call.
ChildPartition* create(Partition& parent, u64 flags, u32 code, Status& status);
Status initialize(ChildPartition& child);
/// Nothing of it is left but its pool, which can be withdrawn.
Status finalize(ChildPartition& child);
Status remove(ChildPartition& child);

} // namespace mshv::standin::lifecycle
