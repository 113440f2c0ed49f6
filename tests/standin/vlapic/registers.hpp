// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/types.hpp"

// The registers of a local APIC by their offset in the page. Source: AMD64 APM volume 2, §16.3.

namespace mshv::standin::vlapic {

namespace reg {
constexpr u32 id = 0x20;
constexpr u32 version = 0x30;
constexpr u32 task_priority = 0x80;
constexpr u32 arbitration_priority = 0x90;
constexpr u32 processor_priority = 0xA0;
constexpr u32 eoi = 0xB0;
constexpr u32 remote_read = 0xC0;
constexpr u32 logical_destination = 0xD0;
constexpr u32 destination_format = 0xE0;
constexpr u32 spurious = 0xF0;
constexpr u32 in_service = 0x100; ///< eight of each
constexpr u32 level = 0x180;
constexpr u32 requested = 0x200;
constexpr u32 error_status = 0x280;
constexpr u32 lvt_cmci = 0x2F0;
constexpr u32 icr_low = 0x300;
constexpr u32 icr_high = 0x310;
constexpr u32 lvt_timer = 0x320;
constexpr u32 lvt_thermal = 0x330;
constexpr u32 lvt_performance = 0x340;
constexpr u32 lvt_lint0 = 0x350;
constexpr u32 lvt_lint1 = 0x360;
constexpr u32 lvt_error = 0x370;
constexpr u32 timer_initial = 0x380;
constexpr u32 timer_current = 0x390;
constexpr u32 timer_divide = 0x3E0;
constexpr u32 self_ipi = 0x3F0; ///< in x2APIC mode only
} // namespace reg

constexpr u32 version = 0x50014; ///< six local vectors

namespace lvt_bit {
constexpr unsigned mode_shift = 8;
constexpr u32 masked = 1U << 16;
constexpr u32 writable = 0x1A7FF; ///< vector, mode, polarity, trigger, mask
} // namespace lvt_bit

namespace spurious_bit {
constexpr u32 enabled = 1U << 8;
constexpr u32 no_broadcast = 1U << 12;
constexpr u32 writable = 0x13FF;
} // namespace spurious_bit

namespace error_bit {
constexpr u32 sent_illegal_vector = 1U << 5;
constexpr u32 received_illegal_vector = 1U << 6;
} // namespace error_bit

namespace icr_bit {
constexpr unsigned mode_shift = 8;
constexpr u32 logical = 1U << 11;
constexpr u32 asserted = 1U << 14;
constexpr u32 level = 1U << 15;
constexpr unsigned shorthand_shift = 18;
constexpr u32 writable = 0xCCFFF; ///< not the delivery status, which is never pending
} // namespace icr_bit

} // namespace mshv::standin::vlapic
