// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/vp/msr_storage.hpp"

namespace mshv::standin::msr_storage {
namespace {

constexpr u32 mtrr_capabilities = 0xFE;
constexpr u64 variable_pairs = 8;
constexpr u64 fixed_and_write_combining = 1U << 8 | 1U << 10;

constexpr u32 fixed_numbers[] = {0x250, 0x258, 0x259, 0x268, 0x269, 0x26A,
                                 0x26B, 0x26C, 0x26D, 0x26E, 0x26F};

/// What always reads the same, and what takes anything and reads as 0.
struct Constant {
    u32 number;
    u64 value;
};
constexpr Constant constants[] = {
    {mtrr_capabilities, fixed_and_write_combining | variable_pairs},
    {0x8B, 0x1000065},       // microcode revision
    {0x17, 0},               // platform
    {0xC0010010, 0},         // SYSCFG
    {0xC0010015, 0x1000000}, // HWCR: the TSC does not depend on frequency
    {0xC0010055, 0},         // interrupt pending
    {0xC0010058, 0},         // MMIO configuration base
    {0xC0010114, 1U << 4},   // VM_CR: SVM is switched off
    {0xC0011020, 0},
    {0xC0011021, 0},
    {0xC0011022, 0},
    {0xC0011029, 0},
    {0xC001102A, 0},
    {0xC001102D, 0},
    {0xC001001F, 0},
    {0x33, 0},
    {0x2A, 0},
    {0xCD, 3},
    {0x179, 0},
    {0x17A, 0},
    {0x1D9, 0},
    {0x1DB, 0},
    {0x1DC, 0},
    {0x1DD, 0},
    {0x1DE, 0},
    {0xC001011F, 0},
    {0x140, 0},
    {0xE7, 0},
    {0xE8, 0},
    {0xC0010061, 0},
    {0xC0010062, 0},
    {0xC0010063, 0},
    {0xC0010064, 0},
};

} // namespace

u64* find(VirtualMsrs& msrs, u32 number) {
    constexpr u32 first_variable = 0x200;
    if (number >= first_variable && number < first_variable + 2 * variable_pairs) {
        return &msrs.mtrr_variable[number - first_variable];
    }
    for (u32 i = 0; i < sizeof(fixed_numbers) / sizeof(fixed_numbers[0]); ++i) {
        if (fixed_numbers[i] == number) {
            return &msrs.mtrr_fixed[i];
        }
    }
    switch (number) {
    case 0x277:
        return &msrs.pat;
    case 0x2FF:
        return &msrs.mtrr_default;
    case tsc_adjust:
        return &msrs.tsc_adjust;
    case 0x48:
        return &msrs.spec_control;
    case 0x1A0:
        return &msrs.misc_enable;
    case 0x3A:
        return &msrs.feature_control;
    default:
        return nullptr;
    }
}

bool read(VirtualMsrs& msrs, u32 number, u64& value) {
    if (const u64* const place = find(msrs, number)) {
        value = *place;
        return true;
    }
    for (const Constant& one : constants) {
        if (one.number == number) {
            value = one.value;
            return true;
        }
    }
    return false;
}

bool write(VirtualMsrs& msrs, u32 number, u64 value) {
    if (u64* const place = find(msrs, number)) {
        *place = value;
        return true;
    }
    for (const Constant& one : constants) {
        if (one.number == number) {
            return number != mtrr_capabilities;
        }
    }
    return false;
}

} // namespace mshv::standin::msr_storage
