// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/vp/child_vp.hpp"

/// Registers of a child's VP by the numbers of MSRs. The VP's lock is held.
namespace mshv::standin::child_msrs {

enum class Result : u8 {
    done,
    none,   ///< there is no such register, or it does not take this: #GP
    wanted, ///< it is done once the parent has given the page at `gpa`
};

Result read(ChildVp& vp, u32 number, u64& value);
Result write(ChildVp& vp, u32 number, u64 value, u64& gpa);

} // namespace mshv::standin::child_msrs
