// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/child/cpuid_results.hpp"

namespace mshv::standin {

/// Takes out of a leaf the features that are disabled: bits of the two banks of
/// HV_PARTITION_PROCESSOR_FEATURES.
void remove_features(u32 leaf, u32 subleaf, const u64* disabled, CpuidValues& values);
/// And those that no child can have.
void remove_unavailable(u32 leaf, u32 subleaf, CpuidValues& values);

} // namespace mshv::standin
