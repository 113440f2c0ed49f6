// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/partition/power.hpp"

#include "tests/standin/console/log.hpp"
#include "tests/standin/cpu/instructions.hpp"
#include "tests/standin/partition/partition.hpp"

namespace mshv::standin::power {
namespace {

constexpr u16 reset_control = 0xCF9; // of every PC chipset that has ACPI
constexpr u8 full_reset = 0x06;
constexpr u32 reset_now = 1U << 2;
constexpr u32 sleep_enable = 1U << 13;

u32 port_a = 0;
u32 port_b = 0;
/// Two types and whether they are known, in one word that is written at once.
u32 types = 0;
constexpr u32 known = 1U << 16;

void enter(u32 port, u32 type) {
    if (port != 0) {
        out16(static_cast<u16>(port), static_cast<u16>((type & 7) << 10 | sleep_enable));
    }
}

} // namespace

void set_ports(u32 pm1a_control, u32 pm1b_control) {
    port_a = pm1a_control;
    port_b = pm1b_control;
}

void set_soft_off(u8 pm1a_type, u8 pm1b_type) {
    __atomic_store_n(&types, known | u32{pm1b_type} << 8 | pm1a_type, __ATOMIC_RELEASE);
}

Ports ports() {
    return {reset_control, static_cast<u16>(port_a), static_cast<u16>(port_b)};
}

void before_write(u16 port, u32 value) {
    if (port == reset_control && (value & reset_now) != 0) {
        Log() << "root resets the machine";
        report_partitions();
    } else if (port != 0 && port == port_a && (value & sleep_enable) != 0) {
        Log() << "root switches the machine off";
        report_partitions();
    }
}

bool off() {
    const u32 now = __atomic_load_n(&types, __ATOMIC_ACQUIRE);
    if ((now & known) == 0 || port_a == 0) {
        return false;
    }
    Log() << "power off";
    report_partitions();
    enter(port_a, now & 0xFF);
    enter(port_b, now >> 8 & 0xFF);
    return true;
}

void reset() {
    Log() << "reset";
    report_partitions();
    out8(reset_control, full_reset);
    stop();
}

} // namespace mshv::standin::power
