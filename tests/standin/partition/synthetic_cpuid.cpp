// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/partition/synthetic_cpuid.hpp"

namespace mshv::standin {
namespace {

constexpr u32 highest_leaf = 0x4000000C;
constexpr u32 build = 27744;
constexpr u32 version = 10U << 16;

// leaf 0x40000003, EDX
constexpr u32 frequency_registers = 1U << 8;
constexpr u32 crash_registers = 1U << 10;
constexpr u32 direct_timers = 1U << 19;

constexpr u32 never_notify_spinning = 0xFFFFFFFF;

constexpr u32 start_lp = 1U << 0;
constexpr u32 create_root_vp = 1U << 1;

} // namespace

CpuidResult hypervisor_cpuid(const Partition& partition, u32 leaf) {
    switch (leaf) {
    case 0x40000000:
        return {highest_leaf, 0x7263694D, 0x666F736F, 0x76482074}; // "Microsoft Hv"
    case 0x40000001:
        return {0x31237648, 0, 0, 0}; // "Hv#1"
    case 0x40000002:
        return {build, version, 0, 0};
    case 0x40000003:
        return {static_cast<u32>(partition.privileges), static_cast<u32>(partition.privileges >> 32),
                0, frequency_registers | crash_registers | direct_timers};
    case 0x40000004:
        return {partition.hints, never_notify_spinning, 0, 0};
    case 0x40000005:
        return {static_cast<u32>(max_vps), static_cast<u32>(max_lps), 0, 0};
    case 0x40000007:
        return {start_lp | create_root_vp, 0, 0, 0};
    default:
        return {};
    }
}

} // namespace mshv::standin
