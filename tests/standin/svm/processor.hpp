// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/lp/lp.hpp"
#include "tests/standin/svm/virtual_processor.hpp"

namespace mshv::standin::svm {

/// Turns SVM on for this processor. Panics when the machine has none, or not enough of it.
void enable(Lp& lp);

/// Runs the guest until its next exit. The caller holds all interrupts, see hold_all_interrupts(), since
/// before it looked for what others want of this processor: whoever wanted something later and kicked
/// it ends this at once. They are let go on return.
void enter(Lp& lp, VirtualProcessor& vp);

/// The same for the root: what waits to be injected is taken; an event that was being delivered when
/// the exit came is put up for injection again, so that none is lost.
void run(Lp& lp, VirtualProcessor& vp);

} // namespace mshv::standin::svm
