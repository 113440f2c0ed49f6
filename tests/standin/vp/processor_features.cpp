// SPDX-License-Identifier: Apache-2.0
//
// Source of the numbers: Linux, include/hyperv/hvhdk.h, union hv_partition_processor_features; and
// the manuals' tables of CPUID.
#include "tests/standin/vp/processor_features.hpp"

#include "tests/standin/cpu/instructions.hpp"
#include "tests/standin/vp/child_cpuid.hpp"
#include "tests/standin/vp/extended_state.hpp"

namespace mshv::standin {
namespace {

enum class Reg : u8 { eax, ebx, ecx, edx };

struct Feature {
    u8 bank, bit; ///< of the hypervisor's numbering
    u32 leaf;
    Reg reg;
    u8 position; ///< in the register
};

constexpr u32 ext = 0x80000001;
constexpr u32 ext8 = 0x80000008;
constexpr Feature features[] = {
    {0, 0, 1, Reg::ecx, 0},                                 // SSE3
    {0, 1, ext, Reg::ecx, 0},                               // LAHF, SAHF
    {0, 2, 1, Reg::ecx, 9},                                 // SSSE3
    {0, 3, 1, Reg::ecx, 19},                                // SSE4.1
    {0, 4, 1, Reg::ecx, 20},                                // SSE4.2
    {0, 5, ext, Reg::ecx, 6},                               // SSE4A
    {0, 6, ext, Reg::ecx, 11},                              // XOP
    {0, 7, 1, Reg::ecx, 23},                                // POPCNT
    {0, 8, 1, Reg::ecx, 13},                                // CMPXCHG16B
    {0, 9, ext, Reg::ecx, 4},                               // MOV CR8 by LOCK
    {0, 10, ext, Reg::ecx, 5},                              // LZCNT
    {0, 11, ext, Reg::ecx, 7},                              // misaligned SSE
    {0, 12, ext, Reg::edx, 22},                             // MMX extensions
    {0, 13, ext, Reg::edx, 31},                             // 3DNow!
    {0, 14, ext, Reg::edx, 30}, {0, 15, ext, Reg::edx, 26}, // 1 GiB pages
    {0, 16, 1, Reg::ecx, 25},                               // AES
    {0, 17, 1, Reg::ecx, 1},                                // PCLMULQDQ
    {0, 18, 1, Reg::ecx, 17},                               // PCID
    {0, 19, ext, Reg::ecx, 16},                             // FMA4
    {0, 20, 1, Reg::ecx, 29},                               // F16C
    {0, 21, 1, Reg::ecx, 30},                               // RDRAND
    {0, 22, 7, Reg::ebx, 0},                                // FSGSBASE
    {0, 23, 7, Reg::ebx, 7},                                // SMEP
    {0, 24, 7, Reg::ebx, 9},                                // ERMS
    {0, 25, 7, Reg::ebx, 3},                                // BMI1
    {0, 26, 7, Reg::ebx, 8},                                // BMI2
    {0, 29, 1, Reg::ecx, 22},                               // MOVBE
    {0, 32, 7, Reg::ebx, 18},                               // RDSEED
    {0, 33, 7, Reg::ebx, 19},                               // ADX
    {0, 34, ext, Reg::ecx, 8},                              // PREFETCHW
    {0, 35, 7, Reg::ebx, 20},                               // SMAP
    {0, 36, 7, Reg::ebx, 4},                                // HLE
    {0, 37, 7, Reg::ebx, 11},                               // RTM
    {0, 38, ext, Reg::edx, 27},                             // RDTSCP
    {0, 39, 7, Reg::ebx, 23},                               // CLFLUSHOPT
    {0, 40, 7, Reg::ebx, 24},                               // CLWB
    {0, 41, 7, Reg::ebx, 29},                               // SHA
    {0, 43, 7, Reg::ebx, 10},                               // INVPCID
    {0, 57, 7, Reg::ecx, 22},                               // RDPID
    {0, 58, 7, Reg::ecx, 2},                                // UMIP
    {1, 2, ext8, Reg::ebx, 0},                              // CLZERO
    {1, 3, ext8, Reg::ebx, 4},                              // RDPRU
    {1, 4, 7, Reg::ecx, 16},                                // LA57
};

/// What no child has, whatever its parent says.
struct Mask {
    u32 leaf, ebx, ecx, edx;
};
constexpr Mask never_shown[] = {
    // VMX, SMX, EIST, TM2, PDCM; DS, ACPI, TM
    {1, 0, 1U << 5 | 1U << 6 | 1U << 7 | 1U << 8 | 1U << 15, 1U << 21 | 1U << 22 | 1U << 29},
    // SGX, MPX, PQM, PQE, AVX-512, PT; PKU, OSPKE, WAITPKG, CET; what is speculation control, CET
    {7, 1U << 2 | 1U << 12 | 1U << 14 | 1U << 15 | 1U << 16 | 1U << 17 | 1U << 25,
     1U << 3 | 1U << 4 | 1U << 5 | 1U << 7, 1U << 20 | 1U << 26 | 1U << 27 | 1U << 28 | 1U << 31},
    // SVM, IBS, SKINIT, WDT, performance counters
    {ext, 0, 1U << 2 | 1U << 10 | 1U << 12 | 1U << 13 | 1U << 23 | 1U << 24 | 1U << 28, 0},
};

u32& register_of(CpuidValues& values, Reg reg) {
    switch (reg) {
    case Reg::eax:
        return values.eax;
    case Reg::ebx:
        return values.ebx;
    case Reg::ecx:
        return values.ecx;
    case Reg::edx:
        break;
    }
    return values.edx;
}

bool machine_has(const Feature& feature) {
    const CpuidResult r = cpuid(feature.leaf, 0);
    CpuidValues values{r.eax, r.ebx, r.ecx, r.edx};
    return (register_of(values, feature.reg) >> feature.position & 1) != 0;
}

} // namespace

void remove_features(u32 leaf, u32 subleaf, const u64* disabled, CpuidValues& values) {
    if (leaf == 7 && subleaf != 0) {
        return;
    }
    for (const Feature& feature : features) {
        if (feature.leaf == leaf && (disabled[feature.bank] >> feature.bit & 1) != 0) {
            register_of(values, feature.reg) &= ~(1U << feature.position);
        }
    }
}

void remove_unavailable(u32 leaf, u32 subleaf, CpuidValues& values) {
    if (leaf == 7 && subleaf != 0) {
        return;
    }
    for (const Mask& mask : never_shown) {
        if (mask.leaf == leaf) {
            values.ebx &= ~mask.ebx;
            values.ecx &= ~mask.ecx;
            values.edx &= ~mask.edx;
        }
    }
}

u64 processor_features(u32 bank) {
    u64 result = 0;
    for (const Feature& feature : features) {
        if (feature.bank == bank && machine_has(feature)) {
            result |= 1ULL << feature.bit;
        }
    }
    return result;
}

u64 xsave_features() {
    constexpr u64 xsave = 1;
    constexpr u64 xsaveopt = 2;
    constexpr u64 avx = 4;
    constexpr u32 leaf = 0xD;
    return xsave | ((cpuid(leaf, 1).eax & 1) != 0 ? xsaveopt : 0) |
           ((extended_state::components() >> 2 & 1) != 0 ? avx : 0);
}

} // namespace mshv::standin
