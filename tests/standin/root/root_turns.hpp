// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/lp/lp.hpp"
#include "tests/standin/svm/virtual_processor.hpp"

/// The root's VP of a processor and the children's VPs that are queued there, where the hypervisor
/// schedules: what the processor does between two entries of the root's. Elsewhere nothing.
namespace mshv::standin::root_turns {

/// Gives children their turns, or waits where the root's VP has halted, until that one is to run or
/// something is asked of this processor.
void run_others(Lp& lp, VirtualProcessor& root);
/// The root's VP is not to be entered before run_others() has looked once more. All interrupts are
/// held.
[[nodiscard]] bool are_due(const Lp& lp);
/// It stands at its HLT, which is done.
void on_root_halt(Lp& lp, VirtualProcessor& root);
/// It is being reset: no child is run here until it takes interrupts again.
void end(Lp& lp);

} // namespace mshv::standin::root_turns
