// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/types.hpp"

// The hypervisor's model-specific registers. Source: TLFS, appendix "Hypervisor Synthetic MSRs".

namespace mshv::standin::hv_msr {

constexpr u32 first = 0x40000000;
constexpr u32 last = 0x400001FF;

constexpr u32 guest_os_id = 0x40000000;
constexpr u32 hypercall = 0x40000001;
constexpr u32 vp_index = 0x40000002;
constexpr u32 reset = 0x40000003;
constexpr u32 vp_runtime = 0x40000010;
constexpr u32 time_ref_count = 0x40000020;
constexpr u32 reference_tsc = 0x40000021;
constexpr u32 tsc_frequency = 0x40000022;
constexpr u32 apic_frequency = 0x40000023;
constexpr u32 apic_eoi = 0x40000070;
constexpr u32 apic_icr = 0x40000071;
constexpr u32 apic_tpr = 0x40000072;
constexpr u32 vp_assist_page = 0x40000073;
constexpr u32 scontrol = 0x40000080;
constexpr u32 sversion = 0x40000081;
constexpr u32 siefp = 0x40000082;
constexpr u32 simp = 0x40000083;
constexpr u32 eom = 0x40000084;
constexpr u32 sirbp = 0x40000085;
constexpr u32 sint0 = 0x40000090;
constexpr u32 sint15 = 0x4000009F;
constexpr u32 stimer0_config = 0x400000B0;
constexpr u32 stimer3_count = 0x400000B7;
constexpr u32 crash_p0 = 0x40000100;
constexpr u32 crash_p4 = 0x40000104;
constexpr u32 crash_control = 0x40000105;

/// Of a synthetic timer's register: CONFIG and COUNT of each alternate.
constexpr bool is_timer_count(u32 number) {
    return ((number - stimer0_config) & 1) != 0;
}
constexpr u32 timer_of(u32 number) {
    return (number - stimer0_config) / 2;
}

} // namespace mshv::standin::hv_msr
