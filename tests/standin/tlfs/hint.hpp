// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/types.hpp"

// What the hypervisor advises its guests to do: CPUID leaf 0x40000004, EAX. Source: TLFS,
// "Implementation Recommendations".

namespace mshv::standin::hint {

constexpr u32 remote_flush = 1U << 2;   ///< flush other processors' TLBs by hypercall
constexpr u32 apic_registers = 1U << 3; ///< end interrupts, send them and set priorities by MSR
constexpr u32 relaxed_timing = 1U << 5;
/// The guest ends its interrupts itself. Without it Linux asks for that to be done for it.
constexpr u32 no_automatic_eoi = 1U << 9;
constexpr u32 cluster_ipi = 1U << 10;     ///< send interrupts to many processors by hypercall
constexpr u32 processor_masks = 1U << 11; ///< name these by sparse sets

} // namespace mshv::standin::hint
