// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/types.hpp"

#include <cstddef>

// The virtual machine control block. Source: AMD64 APM volume 2, appendix B.

namespace mshv::standin::svm {

struct Segment {
    u16 selector;
    u16 attributes; ///< bits 55:52 and 47:40 of the descriptor, together
    u32 limit;
    u64 base;
};

struct Vmcb {
    // control area
    u16 intercept_cr_read, intercept_cr_write;
    u16 intercept_dr_read, intercept_dr_write;
    u32 intercept_exceptions;
    u32 intercepts_3, intercepts_4, intercepts_5;
    u8 reserved_18[0x3C - 0x18];
    u16 pause_threshold, pause_count;
    u64 iopm_base, msrpm_base, tsc_offset;
    u32 asid;
    u8 tlb_control;
    u8 reserved_5d[3];
    u8 v_tpr, v_irq, v_intr_flags, v_intr_masking;
    u8 v_intr_vector;
    u8 reserved_65[3];
    u64 interrupt_shadow;
    u64 exit_code, exit_info_1, exit_info_2;
    u64 exit_interrupt_info;
    u64 nested_control;
    u8 reserved_98[0xA8 - 0x98];
    u64 event_injection;
    u64 nested_cr3;
    u64 virtualization_extensions;
    u32 clean_bits;
    u32 reserved_c4;
    u64 next_rip;
    u8 fetched_count;
    u8 fetched_bytes[15];
    u8 reserved_e0[0x400 - 0xE0];
    // state save area
    Segment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
    u8 reserved_4a0[0x4CB - 0x4A0];
    u8 cpl;
    u32 reserved_4cc;
    u64 efer;
    u8 reserved_4d8[0x548 - 0x4D8];
    u64 cr4, cr3, cr0, dr7, dr6, rflags, rip;
    u8 reserved_580[0x5D8 - 0x580];
    u64 rsp;
    u8 reserved_5e0[0x5F8 - 0x5E0];
    u64 rax;
    u64 star, lstar, cstar, sfmask, kernel_gs_base;
    u64 sysenter_cs, sysenter_esp, sysenter_eip, cr2;
    u8 reserved_648[0x668 - 0x648];
    u64 g_pat, debug_control, last_branch_from, last_branch_to, last_exception_from,
        last_exception_to;
    u8 reserved_698[0x1000 - 0x698];
};
static_assert(sizeof(Vmcb) == page_size);
static_assert(offsetof(Vmcb, iopm_base) == 0x40);
static_assert(offsetof(Vmcb, asid) == 0x58);
static_assert(offsetof(Vmcb, v_tpr) == 0x60);
static_assert(offsetof(Vmcb, v_intr_vector) == 0x64);
static_assert(offsetof(Vmcb, interrupt_shadow) == 0x68);
static_assert(offsetof(Vmcb, nested_control) == 0x90);
static_assert(offsetof(Vmcb, event_injection) == 0xA8);
static_assert(offsetof(Vmcb, next_rip) == 0xC8);
static_assert(offsetof(Vmcb, es) == 0x400);
static_assert(offsetof(Vmcb, cpl) == 0x4CB);
static_assert(offsetof(Vmcb, efer) == 0x4D0);
static_assert(offsetof(Vmcb, cr4) == 0x548);
static_assert(offsetof(Vmcb, rsp) == 0x5D8);
static_assert(offsetof(Vmcb, rax) == 0x5F8);
static_assert(offsetof(Vmcb, cr2) == 0x640);
static_assert(offsetof(Vmcb, g_pat) == 0x668);

namespace intercept3 {
constexpr u32 intr = 1U << 0;
constexpr u32 nmi = 1U << 1;
constexpr u32 init = 1U << 3;
constexpr u32 vintr = 1U << 4;
constexpr u32 cpuid = 1U << 18;
constexpr u32 iret = 1U << 20;
constexpr u32 hlt = 1U << 24;
constexpr u32 invlpga = 1U << 26;
constexpr u32 io = 1U << 27;
constexpr u32 msr = 1U << 28;
constexpr u32 shutdown = 1U << 31;
/// What every guest exits for: machine and processor are not its own.
constexpr u32 always = intr | nmi | cpuid | invlpga | io | msr | shutdown;
} // namespace intercept3
namespace intercept4 {
constexpr u32 vmrun = 1U << 0;
constexpr u32 vmmcall = 1U << 1;
constexpr u32 vmload = 1U << 2;
constexpr u32 vmsave = 1U << 3;
constexpr u32 stgi = 1U << 4;
constexpr u32 clgi = 1U << 5;
constexpr u32 skinit = 1U << 6;
constexpr u32 monitor = 1U << 10;
constexpr u32 mwait = 1U << 11;
constexpr u32 always =
    vmrun | vmmcall | vmload | vmsave | stgi | clgi | skinit | monitor | mwait;
} // namespace intercept4

constexpr u16 intercept_cr8 = 1U << 8; ///< of intercept_cr_write

enum class Exit : u64 {
    cr8_write = 0x18,
    intr = 0x60,
    nmi = 0x61,
    smi = 0x62,
    init = 0x63,
    vintr = 0x64,
    cpuid = 0x72,
    iret = 0x74,
    hlt = 0x78,
    invlpga = 0x7A,
    ioio = 0x7B,
    msr = 0x7C,
    shutdown = 0x7F,
    vmrun = 0x80,
    vmmcall = 0x81,
    vmload = 0x82,
    vmsave = 0x83,
    stgi = 0x84,
    clgi = 0x85,
    skinit = 0x86,
    monitor = 0x8A,
    mwait = 0x8B,
    nested_page_fault = 0x400,
    invalid = ~0ULL,
};

/// Of an instruction that CPUID hides from every guest, which finds it undefined.
constexpr bool is_hidden_instruction(Exit reason) {
    switch (reason) {
    case Exit::vmrun:
    case Exit::vmload:
    case Exit::vmsave:
    case Exit::stgi:
    case Exit::clgi:
    case Exit::skinit:
    case Exit::invlpga:
    case Exit::monitor:
    case Exit::mwait:
        return true;
    default:
        return false;
    }
}

constexpr u8 v_irq_pending = 1U << 0;
constexpr u8 v_ignore_tpr = 1U << 4;

namespace event {
constexpr u64 vector_mask = 0xFF;
constexpr u64 valid = 1ULL << 31;
constexpr u64 has_error_code = 1ULL << 11;
constexpr u64 type_mask = 7ULL << 8;
constexpr u64 external = 0ULL << 8;
constexpr u64 nmi = 2ULL << 8;
constexpr u64 exception = 3ULL << 8;
} // namespace event

/// EXITINFO1 of a nested page fault.
namespace fault {
constexpr u64 present = 1ULL << 0;
constexpr u64 write = 1ULL << 1;
constexpr u64 fetch = 1ULL << 4;
} // namespace fault

/// EXITINFO1 of an IN or OUT.
namespace io {
constexpr u64 in = 1ULL << 0;
constexpr u64 string = 1ULL << 2;
constexpr unsigned size_shift = 4; ///< three bits: 1, 2, 4 bytes
constexpr unsigned port_shift = 16;
} // namespace io

constexpr u64 nested_paging = 1;

} // namespace mshv::standin::svm
