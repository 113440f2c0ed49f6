// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/vp/child_vp.hpp"

/// The page in which the parent reads and writes the registers of a VP that is suspended at an
/// intercept. Source: Linux, include/hyperv/hvhdk.h, struct hv_vp_register_page.
namespace mshv::standin::register_page {

/// The VP's lock is held, and the VP's extended state is in its context.
void fill(ChildVp& vp);
/// Takes over what the parent has marked as changed; nothing is valid there any more.
void apply(ChildVp& vp);
/// Vectors that the parent has put there for the VP, as fixed interrupts.
void take_interrupts(ChildVp& vp);

} // namespace mshv::standin::register_page
