// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/svm/virtual_processor.hpp"

/// How a processor begins. Source: AMD64 APM volume 2, table 14-1.
namespace mshv::standin::svm {

/// The page attribute table as a power-on leaves it.
constexpr u64 initial_pat = 0x0007040600070406;

/// After INIT, which keeps the page attribute table and what else is not in a processor's core.
void set_init_state(VirtualProcessor& vp);

/// After a start-up interrupt with this vector, from there.
void set_startup_state(VirtualProcessor& vp, u32 vector);

} // namespace mshv::standin::svm
