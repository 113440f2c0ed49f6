// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/types.hpp"

// Instructions that C++ has no word for.

namespace mshv::standin {

struct CpuidResult {
    u32 eax, ebx, ecx, edx;
};

inline CpuidResult cpuid(u32 leaf, u32 subleaf = 0) {
    CpuidResult r{};
    asm volatile("cpuid"
                 : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                 : "a"(leaf), "c"(subleaf));
    return r;
}

/// Bits of an address of the machine.
inline u8 physical_address_bits() {
    constexpr u32 address_sizes = 0x80000008;
    return static_cast<u8>(cpuid(address_sizes).eax);
}

inline u64 read_msr(u32 number) {
    u32 low = 0;
    u32 high = 0;
    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number));
    return u64{high} << 32 | low;
}
inline void write_msr(u32 number, u64 value) {
    asm volatile("wrmsr"
                 :
                 : "c"(number), "a"(static_cast<u32>(value)), "d"(static_cast<u32>(value >> 32))
                 : "memory");
}

inline u64 read_tsc() {
    u32 low = 0;
    u32 high = 0;
    asm volatile("rdtsc" : "=a"(low), "=d"(high));
    return u64{high} << 32 | low;
}

inline u8 in8(u16 port) {
    u8 value = 0;
    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
inline void out8(u16 port, u8 value) {
    asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}
inline void out16(u16 port, u16 value) {
    asm volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}
inline u16 in16(u16 port) {
    u16 value = 0;
    asm volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
inline u32 in32(u16 port) {
    u32 value = 0;
    asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

inline void out32(u16 port, u32 value) {
    asm volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

inline u64 read_cr2() {
    u64 value = 0;
    asm volatile("mov %%cr2, %0" : "=r"(value));
    return value;
}

inline u64 read_cr3() {
    u64 value = 0;
    asm volatile("mov %%cr3, %0" : "=r"(value));
    return value;
}

inline void pause() {
    __builtin_ia32_pause();
}

/// Interrupts are off before and after; between them the processor waits for one and takes it.
inline void wait_for_interrupt() {
    asm volatile("sti; hlt; cli" : : : "memory");
}
/// Takes one interrupt that is pending, if one is.
inline void take_interrupt() {
    asm volatile("sti; nop; cli" : : : "memory");
}

/// From the first to the second not even an NMI is taken, but it ends a VMRUN.
inline void hold_all_interrupts() {
    asm volatile("clgi" : : : "memory");
}
inline void let_interrupts_go() {
    asm volatile("stgi" : : : "memory");
}

[[noreturn]] inline void stop() {
    for (;;) {
        asm volatile("cli; hlt");
    }
}

namespace msr {
constexpr u32 apic_base = 0x1B;
constexpr u32 tsc_deadline = 0x6E0;
constexpr u32 efer = 0xC0000080;
constexpr u32 gs_base = 0xC0000101;
constexpr u32 vm_cr = 0xC0010114;
constexpr u32 vm_hsave_pa = 0xC0010117;
} // namespace msr

namespace rflags {
constexpr u64 interrupts_on = 1ULL << 9;
constexpr u64 virtual_8086 = 1ULL << 17;
} // namespace rflags

namespace efer {
constexpr u64 lme = 1ULL << 8;
constexpr u64 lma = 1ULL << 10;
constexpr u64 nxe = 1ULL << 11;
constexpr u64 svme = 1ULL << 12;
} // namespace efer

} // namespace mshv::standin
