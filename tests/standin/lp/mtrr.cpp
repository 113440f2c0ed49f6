// SPDX-License-Identifier: Apache-2.0
//
// Source: AMD64 APM volume 2, §7.7.
#include "tests/standin/lp/mtrr.hpp"

#include "tests/standin/cpu/instructions.hpp"

namespace mshv::standin::mtrr {
namespace {

constexpr u32 capabilities = 0xFE;
constexpr u32 default_type = 0x2FF;
constexpr u32 first_variable = 0x200;
constexpr u32 fixed[] = {0x250, 0x258, 0x259, 0x268, 0x269, 0x26A,
                         0x26B, 0x26C, 0x26D, 0x26E, 0x26F};
constexpr u32 fixed_count = sizeof(fixed) / sizeof(fixed[0]);
constexpr u32 most_variable = 16; // pairs

u64 saved_fixed[fixed_count];
u64 saved_variable[2 * most_variable];
u64 saved_type = 0;

bool present() {
    constexpr u32 feature = 1U << 12;
    return (cpuid(1).edx & feature) != 0;
}

u32 variable_count() {
    const u32 pairs = static_cast<u32>(read_msr(capabilities) & 0xFF);
    return 2 * (pairs < most_variable ? pairs : most_variable);
}

} // namespace

void save() {
    if (!present()) {
        return;
    }
    for (u32 i = 0; i < fixed_count; ++i) {
        saved_fixed[i] = read_msr(fixed[i]);
    }
    for (u32 i = 0; i < variable_count(); ++i) {
        saved_variable[i] = read_msr(first_variable + i);
    }
    saved_type = read_msr(default_type);
}

void load() {
    if (!present()) {
        return;
    }
    for (u32 i = 0; i < fixed_count; ++i) {
        write_msr(fixed[i], saved_fixed[i]);
    }
    for (u32 i = 0; i < variable_count(); ++i) {
        write_msr(first_variable + i, saved_variable[i]);
    }
    write_msr(default_type, saved_type);
}

} // namespace mshv::standin::mtrr
