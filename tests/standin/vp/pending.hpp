// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/vp/child_vp.hpp"

/// What is about to happen to a VP at its next entry, as its parent sees and sets it. The VP's lock
/// is held. Source: Linux, include/hyperv/hvgdk_mini.h, hv_x64_pending_interruption_register.
namespace mshv::standin::pending {

[[nodiscard]] u64 interruption(const ChildVp& vp);
void set_interruption(ChildVp& vp, u64 value);
[[nodiscard]] u64 interrupt_state(const ChildVp& vp);
void set_interrupt_state(ChildVp& vp, u64 value);

/// Bit 1 is always set, those that do not exist never.
[[nodiscard]] u64 legal_flags(u64 rflags);

/// The legacy part of the extended state is not as at power-on.
void mark_used(ChildVp& vp);

} // namespace mshv::standin::pending
