// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/cpu/instructions.hpp"
#include "tests/standin/freestanding/text.hpp"
#include "tests/standin/tlfs/status.hpp"

/// What the probe does to the machine and what the machine does to it.
namespace mshv::standin::probe {

struct Result {
    Status status;
    u32 done;
};

/// A hypercall with input and output in memory, or with two words in registers.
Result call(u16 code, const void* input, void* output, u32 reps = 0, u32 first = 0,
            u32 header_words = 0);
Result fast_call(u16 code, u64 first, u64 second);

/// Begins to take interrupts and exceptions.
void take_vectors();
/// Takes what is pending now: its vector, 0 = nothing is. It stays in service.
u32 pending_vector();
/// The interrupt controller of the processor has that vector in service.
bool in_service(u32 vector);
void end_interrupt();

/// True when reading there raises #GP.
bool read_faults(const void* where);

/// A line on the first serial port. The first failure makes all of it fail.
void say(bool holds, std::string_view what, u64 detail = 0);
/// Says in the last line whether all held, and ends the machine.
void finish();

} // namespace mshv::standin::probe
