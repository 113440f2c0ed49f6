// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/types.hpp"

// What of the hypervisor's interface a partition is to have. Source: Linux, include/hyperv/hvhdk.h,
// union hv_partition_synthetic_processor_features.

namespace mshv::standin::synthetic {

constexpr u64 hypervisor_present = 1ULL << 0;
constexpr u64 hv1 = 1ULL << 1;
constexpr u64 runtime_register = 1ULL << 2;
constexpr u64 reference_counter = 1ULL << 3;
constexpr u64 synic_registers = 1ULL << 4;
constexpr u64 timer_registers = 1ULL << 5;
constexpr u64 interrupt_registers = 1ULL << 6; ///< APIC MSRs, VP assist page
constexpr u64 hypercall_registers = 1ULL << 7;
constexpr u64 vp_index = 1ULL << 8;
constexpr u64 reference_tsc = 1ULL << 9;
constexpr u64 guest_idle = 1ULL << 10;
constexpr u64 frequency_registers = 1ULL << 11;
constexpr u64 direct_timers = 1ULL << 22;
constexpr u64 processor_masks = 1ULL << 24;
constexpr u64 flush_calls = 1ULL << 25;
constexpr u64 cluster_ipi = 1ULL << 26;
constexpr u64 spin_wait_call = 1ULL << 27;
constexpr u64 signal_events = 1ULL << 29;

constexpr u64 all = hypervisor_present | hv1 | runtime_register | reference_counter |
                    synic_registers | timer_registers | interrupt_registers | hypercall_registers |
                    vp_index | reference_tsc | guest_idle | frequency_registers | direct_timers |
                    processor_masks | flush_calls | cluster_ipi | spin_wait_call | signal_events;

} // namespace mshv::standin::synthetic
