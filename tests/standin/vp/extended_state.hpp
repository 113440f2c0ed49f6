// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/lp/lp.hpp"
#include "tests/standin/vp/vp_context.hpp"

namespace mshv::standin {

/// What a world switch leaves where it is: floating-point and vector registers, XCR0, DR0 to DR3,
/// TSC_AUX. The hypervisor itself uses none of it.
namespace extended_state {

/// On each processor, once.
void enable();

/// The components that a child may have: their area is as large as VpContext gives it room.
[[nodiscard]] u64 components();
/// Bytes of an area with these.
[[nodiscard]] u32 size();

/// As at power-on.
void reset(VpContext& context);

/// The child's in place of the root's, and back.
void load_child(Lp& lp, VpContext& context);
void load_root(Lp& lp, VpContext& context);

} // namespace extended_state

} // namespace mshv::standin
