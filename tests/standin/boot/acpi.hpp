// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/types.hpp"

#include <span>

// What the firmware's ACPI tables say. Source: ACPI Specification 6.5, §5.2.

namespace mshv::standin::acpi {

struct Facts {
    u32 lp_apic_ids[64] = {}; ///< of the processors that may be used, the first one that which boots
    u32 lp_count = 0;
    u32 pm1a_control = 0; ///< I/O port, 0 = none
    u32 pm1b_control = 0;
    u32 pm_timer = 0; ///< I/O port of the 3.579545 MHz counter, 0 = none
    bool pm_timer_is_wide = false; ///< 32 bits, else 24
};

/// Reads the tables to which `root_pointer` leads, or when that is empty the one that a BIOS left in its
/// area. Panics when there is no table at all.
void read(std::span<const u8> root_pointer, Facts& facts);

} // namespace mshv::standin::acpi
