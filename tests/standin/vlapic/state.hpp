// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/types.hpp"

namespace mshv::standin::vlapic {

/// A controller as VMMs save and restore it. Source: TLFS, HV_X64_INTERRUPT_CONTROLLER_STATE.
struct State {
    u32 id, version, logical_destination, destination_format, spurious;
    u32 in_service[8], level[8], requested[8];
    u32 errors, icr_high, icr_low;
    u32 lvt_timer, lvt_thermal, lvt_performance, lvt_lint0, lvt_lint1, lvt_error, lvt_cmci;
    u32 error_status, timer_initial, timer_current, timer_divide, remote_read;
};
static_assert(sizeof(State) == 176);

} // namespace mshv::standin::vlapic
