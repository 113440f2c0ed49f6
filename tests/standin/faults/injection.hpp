// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/faults/plan.hpp"

/// The faults that this machine's hypervisor commits, each with a line in its log. Thread-safe.
namespace mshv::standin::faults {

/// Once, before the root runs.
void set_plan(const Plan& plan);

/// For a call that wants a deposited page: the status with which it fails, or `success`.
Status on_memory(u32 code);
/// The fault that is due at this call; null when none is.
const CallFault* on_call(u32 code);
/// How many elements a list call deals with at once.
u32 most_elements();

bool holds_message();
/// Before a message to the root.
bool sends_unknown_message();
bool repeats_interrupts();
bool ignores_end_of_message();

} // namespace mshv::standin::faults
