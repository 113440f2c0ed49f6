// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/child/child_partition.hpp"

/// What a parent can read and set of a child as a whole. Source of the numbers: Linux,
/// include/hyperv/hvhdk_mini.h, enum hv_partition_property_code, and what QEMU and Cloud Hypervisor
/// use.
namespace mshv::standin::properties {

Status get(const ChildPartition& child, u32 code, u64& value);
Status set(ChildPartition& child, u32 code, u64 value);

/// What a child could have, as the root asks of itself.
Status get_of_root(u32 code, u64& value);
/// Those that are wider than a word.
Status get_extended(u32 code, u64* values);

} // namespace mshv::standin::properties
