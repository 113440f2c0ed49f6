// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/lp/lp.hpp"
#include "tests/standin/svm/virtual_processor.hpp"

namespace mshv::standin {

/// The APIC's page is not mapped: does what the root's instruction meant to do to a register there.
/// False when this nested page fault is about something else.
bool emulate_apic_access(Lp& lp, VirtualProcessor& vp);

} // namespace mshv::standin
