// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/lp/lp.hpp"
#include "tests/standin/svm/virtual_processor.hpp"

namespace mshv::standin::svm {

/// Turns SVM on for this processor. Panics when the machine has none, or not enough of it.
void enable(Lp& lp);

/// Runs `vp` until its next exit. What is injected is taken; an event that was being delivered when
/// the exit came is put up for injection again, so that none is lost.
void run(Lp& lp, VirtualProcessor& vp);
/// The same, but for when `requests` is not 0: false then, and nothing has happened. Whoever makes it
/// so and then kicks the processor is not missed.
bool run_unless(Lp& lp, VirtualProcessor& vp, const u32& requests);

} // namespace mshv::standin::svm
