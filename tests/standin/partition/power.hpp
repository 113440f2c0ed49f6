// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/types.hpp"

/// The end of the machine, which is the hypervisor's to bring about. Thread-safe.
namespace mshv::standin::power {

/// The ports of the ACPI control registers; 0 = there is none. Once, at the start.
void set_ports(u32 pm1a_control, u32 pm1b_control);

/// What these registers take for the state in which the machine is off.
void set_soft_off(u8 pm1a_type, u8 pm1b_type);

/// The ports by which the root can end the machine itself; 0 = there is none.
struct Ports {
    u16 reset, pm1a_control, pm1b_control;
};
Ports ports();
/// The root is about to write this to a port. When that ends the machine, nothing comes after it.
void before_write(u16 port, u32 value);

/// Switches the machine off. False when nobody has said how.
bool off();

/// Resets the machine.
[[noreturn]] void reset();

} // namespace mshv::standin::power
