// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/vp/child_vp.hpp"

/// Those of a VP's registers that are MSRs to the VP itself.
namespace mshv::standin::registers {

bool read_by_msr(ChildVp& vp, u32 name, u64& value);
/// `invalid_parameter`: there is no such register; `invalid_register_value`: it does not take this.
Status write_by_msr(ChildVp& vp, u32 name, u64 value);

} // namespace mshv::standin::registers
