// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/cpu/instructions.hpp"

// The processor's own interrupt controller, in the mode in which the root has it. Source: AMD64 APM
// volume 2, chapter 16.

namespace mshv::standin::local_apic {

constexpr PhysicalAddress base = 0xFEE00000;

namespace reg {
constexpr u32 task_priority = 0x80;
constexpr u32 eoi = 0xB0;
constexpr u32 spurious = 0xF0;
constexpr u32 isr = 0x100; ///< a bit an interrupt, eight registers
constexpr u32 irr = 0x200; ///< a bit an interrupt, eight registers
constexpr u32 icr_low = 0x300;
constexpr u32 icr_high = 0x310;
constexpr u32 timer_lvt = 0x320;
constexpr u32 timer_initial = 0x380;
constexpr u32 timer_current = 0x390;
constexpr u32 timer_divide = 0x3E0;
} // namespace reg

namespace icr {
constexpr u32 mode_mask = 7U << 8;
constexpr u32 nmi = 4U << 8;
constexpr u32 init = 5U << 8;
constexpr u32 startup = 6U << 8;
constexpr u32 pending = 1U << 12;
constexpr u32 assert_level = 1U << 14;
constexpr u32 to_self = 1U << 18;
constexpr u32 shorthand_mask = 3U << 18;
} // namespace icr

constexpr u32 enabled = 1U << 8; ///< of the spurious-interrupt register
constexpr u32 lvt_masked = 1U << 16;
constexpr u32 divide_by_one = 0xB;

/// The interrupt that is the hypervisor's own: its timer's, and that by which processors wake each
/// other. In Linux it is KVM's, and the root runs no KVM.
constexpr u32 own_vector = 0xF2;

/// Bits of the MSR that says where and in which mode it is.
namespace apic_base {
constexpr u64 bootstrap = 1ULL << 8;
constexpr u64 x2apic = 1ULL << 10;
constexpr u64 enable = 1ULL << 11;
} // namespace apic_base

/// In x2APIC mode its registers are MSRs, and the ICR is one.
inline bool is_x2apic() {
    return (read_msr(msr::apic_base) & apic_base::x2apic) != 0;
}
constexpr u32 first_msr = 0x800;
constexpr u32 last_msr = 0x8FF;
constexpr u32 msr_of(u32 where) {
    return first_msr + (where >> 4);
}

inline u32 read(u32 where) {
    return is_x2apic() ? static_cast<u32>(read_msr(msr_of(where)))
                       : *at<const volatile u32>(base + where);
}
inline void write(u32 where, u32 value) {
    if (is_x2apic()) {
        write_msr(msr_of(where), value);
    } else {
        *at<volatile u32>(base + where) = value;
    }
}

inline bool is_in_service(u8 vector) {
    constexpr u32 step = 0x10;
    return (read(reg::isr + vector / 32U * step) >> vector % 32U & 1) != 0;
}

/// An interrupt has been taken and not ended.
bool is_any_in_service();

/// The vector that waits to be taken first; 0 = none.
u32 highest_requested();

/// Sends `command` (the low half of the ICR) to the processor with this APIC id, when the one
/// before has been sent.
void send(u32 apic_id, u32 command);

/// An interrupt to this processor itself. The upper half of the ICR, where the root may just have
/// written, stays as it is.
void send_self(u32 vector);

} // namespace mshv::standin::local_apic
