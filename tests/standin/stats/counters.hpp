// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/types.hpp"

namespace mshv::standin {

/// What is counted of a logical processor; times in units of 100 ns. Its own processor alone writes.
struct LpCounters {
    u64 guest_time = 0;
    u64 hypervisor_time = 0;
    u64 interrupts = 0;
    u64 last_change = 0; ///< when it went in or out of the guest
};

/// What is counted of a virtual processor. The processor that runs it writes.
struct VpCounters {
    u64 run_time = 0;
    u64 hypervisor_time = 0;
    u64 hypercalls = 0;
    u64 io_instructions = 0;
    u64 cpuid_instructions = 0;
    u64 msr_accesses = 0;
    u64 external_interrupts = 0;
    u64 nested_page_faults = 0;
    u64 halts = 0;
    u64 other_intercepts = 0;

    /// How often it has left the guest.
    [[nodiscard]] u64 exits() const {
        return hypercalls + io_instructions + cpuid_instructions + msr_accesses +
               external_interrupts + nested_page_faults + halts + other_intercepts;
    }
};

} // namespace mshv::standin
