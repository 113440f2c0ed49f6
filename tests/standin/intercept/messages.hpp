// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/synic/message.hpp"

// The messages by which a child's intercepts are told. Source: Linux, include/hyperv/hvhdk.h, and
// TLFS, "Intercept Message Formats".

namespace mshv::standin::intercept {

namespace message_type {
constexpr u32 unmapped_gpa = 0x80000000;
constexpr u32 gpa_intercept = 0x80000001;
constexpr u32 invalid_register = 0x80000020;
constexpr u32 unrecoverable = 0x80000021;
constexpr u32 io_port = 0x80010000;
constexpr u32 msr = 0x80010001;
constexpr u32 cpuid = 0x80010002;
constexpr u32 apic_eoi = 0x80010004;
constexpr u32 halt = 0x80010007;
constexpr u32 interruption_deliverable = 0x80010008;
} // namespace message_type

enum class Access : u8 { read = 0, write = 1, execute = 2 };

/// A segment with the attributes of a descriptor's third and fourth byte, as VMX has them.
struct [[gnu::packed]] SegmentRegister {
    u64 base;
    u32 limit;
    u16 selector;
    u16 attributes;
};
static_assert(sizeof(SegmentRegister) == 16);

struct [[gnu::packed]] Header {
    u32 vp;
    u8 length_and_cr8; ///< of the instruction, 0 = not known; four bits each
    Access access;
    u16 execution_state;
    SegmentRegister cs;
    u64 rip;
    u64 rflags;
};
static_assert(sizeof(Header) == 40);

struct [[gnu::packed]] MemoryAccess {
    static constexpr u8 gva_valid = 1;
    static constexpr u8 gva_gpa_valid = 2;

    Header header;
    u32 cache_type;
    u8 byte_count;
    u8 info;
    u8 task_priority;
    u8 reserved;
    u64 gva;
    u64 gpa;
    u8 bytes[16];
};
static_assert(sizeof(MemoryAccess) == 80);

struct [[gnu::packed]] IoPort {
    static constexpr u8 string = 1U << 3;
    static constexpr u8 repeated = 1U << 4;

    Header header;
    u16 port;
    u8 info; ///< size in bytes in bits 2:0
    u8 byte_count;
    u32 reserved;
    u64 rax;
    u8 bytes[16];
    SegmentRegister ds, es;
    u64 rcx, rsi, rdi;
};
static_assert(sizeof(IoPort) == 128);

struct [[gnu::packed]] Cpuid {
    Header header;
    u64 rax, rcx, rdx, rbx;
    u64 result_rax, result_rcx, result_rdx, result_rbx;
};

struct [[gnu::packed]] Msr {
    Header header;
    u32 number;
    u32 reserved;
    u64 rdx, rax;
};

struct [[gnu::packed]] ApicEoi {
    u32 vp;
    u32 vector;
};

} // namespace mshv::standin::intercept
