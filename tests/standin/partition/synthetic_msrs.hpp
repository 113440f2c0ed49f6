// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/partition/partition.hpp"

namespace mshv::standin {

/// The hypervisor's registers, as VP `index` of `partition` reads and writes them on its own
/// processor. False: it has no such register, or may not write this: #GP.
bool read_synthetic_msr(Partition& partition, u32 index, u32 number, u64& value);
bool write_synthetic_msr(Partition& partition, u32 index, u32 number, u64 value);

} // namespace mshv::standin
