// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/vp/child_vp.hpp"

/// How a VP begins. Source: AMD64 APM volume 2, table 14-1.
namespace mshv::standin::initial_state {

/// As at power-on; all but the first VP wait to be started.
void on_creation(ChildVp& vp);
void on_init(ChildVp& vp);
void on_startup(ChildVp& vp, u32 vector);

} // namespace mshv::standin::initial_state
