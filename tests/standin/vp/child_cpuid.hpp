// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/child/child_partition.hpp"

namespace mshv::standin {

/// What CPUID answers a child: the machine's features without those that its parent has disabled,
/// then the hypervisor's own leaves, then what the parent has registered; of all that nothing that
/// the hypervisor does not give to children. `cr4` and `apic_id` are those of the VP.
CpuidValues child_cpuid(const ChildPartition& partition, u32 vp, u32 leaf, u32 subleaf, u64 cr4,
                        u32 apic_id);

/// The privileges that follow from the synthetic features that the parent has asked for.
u64 privileges_of(u64 synthetic_features);
u32 hints_of(u64 synthetic_features);

/// The features that a child can have, as banks of HV_PARTITION_PROCESSOR_FEATURES number them.
u64 processor_features(u32 bank);
/// The same as HV_PARTITION_PROCESSOR_XSAVE_FEATURES.
u64 xsave_features();
/// The synthetic ones that a parent may ask for.
u64 assignable_synthetic_features();

} // namespace mshv::standin
