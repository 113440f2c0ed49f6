// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/timer/reference_time.hpp"

namespace mshv::standin {

/// The reference time of all partitions: units of 100 ns since start_clock(), made of the TSC by one
/// multiplication, so that a guest can do it itself.
namespace clock {

/// Measures the TSC and the APIC's timer against the ACPI timer. `port`: its counter's, `wide`: it has
/// 32 bits and not 24. Takes about a tenth of a second. Panics without one.
void start(u32 port, bool wide);

[[nodiscard]] u64 tsc_hz();
[[nodiscard]] u64 apic_timer_hz();
[[nodiscard]] const ReferenceTime& reference();
[[nodiscard]] u64 now();

} // namespace clock

} // namespace mshv::standin
