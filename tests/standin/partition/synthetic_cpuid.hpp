// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/cpu/instructions.hpp"
#include "tests/standin/partition/partition.hpp"

namespace mshv::standin {

constexpr u32 first_hypervisor_leaf = 0x40000000;
constexpr u32 end_of_hypervisor_leaves = 0x40010000;

/// What a partition is told of the hypervisor. Source: TLFS, "Hypervisor CPUID Leaf Range".
CpuidResult hypervisor_cpuid(const Partition& partition, u32 leaf);

} // namespace mshv::standin
