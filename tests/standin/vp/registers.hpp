// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/vp/child_vp.hpp"

/// A VP's registers by the names that its parent uses. Source: Linux, include/hyperv/hvgdk_mini.h,
/// enum hv_register_name, and TLFS, appendix "Virtual Processor Register Names". The VP's lock is
/// held and its extended state in its context.
namespace mshv::standin::registers {

/// As wide as the widest; what is narrower has zeros above.
struct Value {
    u64 low = 0;
    u64 high = 0;
};

Status read(ChildVp& vp, u32 name, Value& value);
Status write(ChildVp& vp, u32 name, const Value& value);

} // namespace mshv::standin::registers
