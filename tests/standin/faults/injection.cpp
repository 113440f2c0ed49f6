// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/faults/injection.hpp"

#include "tests/standin/console/log.hpp"

namespace mshv::standin::faults {
namespace {

constinit Plan plan;

} // namespace

void set_plan(const Plan& asked) {
    plan = asked;
}

Status on_memory(u32 code) {
    if (!plan.memory.due()) {
        return Status::success;
    }
    Log() << "fault hypercall " << Hex{code} << " finds no memory, status "
          << Hex{static_cast<u64>(plan.memory_status)};
    return plan.memory_status;
}

const CallFault* on_call(u32 code) {
    const CallFault* const fault = plan.on_call(code);
    if (fault != nullptr) {
        Log() << "fault hypercall " << Hex{code} << " answers status "
              << Hex{static_cast<u64>(fault->status)} << " after " << fault->elements;
    }
    return fault;
}

u32 most_elements() {
    return plan.most_elements;
}

bool holds_message() {
    const bool holds = plan.message.due();
    if (holds) {
        Log() << "fault message held";
    }
    return holds;
}

bool sends_unknown_message() {
    const bool sends = plan.unknown.due();
    if (sends) {
        Log() << "fault message of an unknown type";
    }
    return sends;
}

bool repeats_interrupts() {
    if (plan.repeated_interrupts) {
        Log() << "fault message's interrupt repeated";
    }
    return plan.repeated_interrupts;
}

bool ignores_end_of_message() {
    const bool ignores = plan.end_of_message.due();
    if (ignores) {
        Log() << "fault end of message ignored";
    }
    return ignores;
}

} // namespace mshv::standin::faults
