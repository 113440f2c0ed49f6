// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/vp/child_vp.hpp"

/// What brings a child's VP out of its guest.
namespace mshv::standin::trapping {

/// Once, before there are children.
void start();
/// Of a new VP: its intercepts, maps and nested tables.
void set(ChildVp& vp);
/// The partition's tables have got their root, or another one.
void set_tables(ChildVp& vp);

} // namespace mshv::standin::trapping
