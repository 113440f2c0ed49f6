// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/vp/registers.hpp"

#include "tests/standin/cpu/instructions.hpp"
#include "tests/standin/vp/guest_code.hpp"
#include "tests/standin/vp/intercept_report.hpp"
#include "tests/standin/vp/pending.hpp"
#include "tests/standin/vp/registers_by_msr.hpp"
#include "tests/standin/vp/scheduling.hpp"

namespace mshv::standin::registers {
namespace {

namespace name {
constexpr u32 explicit_suspend = 0;
constexpr u32 intercept_suspend = 1;
constexpr u32 emulation_hints = 2;
constexpr u32 dispatch_suspend = 3;
constexpr u32 internal_activity = 4;
constexpr u32 pending_interruption = 0x10002;
constexpr u32 interrupt_state = 0x10003;
constexpr u32 pending_event0 = 0x10004;
constexpr u32 pending_event1 = 0x10005;
constexpr u32 deliverability = 0x10006;
constexpr u32 pending_debug_exception = 0x10007;
constexpr u32 rax = 0x20000;
constexpr u32 rip = 0x20010;
constexpr u32 rflags = 0x20011;
constexpr u32 xmm0 = 0x30000;
constexpr u32 fp0 = 0x30010;
constexpr u32 fp_control_status = 0x30018;
constexpr u32 xmm_control_status = 0x30019;
constexpr u32 cr0 = 0x40000, cr2 = 0x40001, cr3 = 0x40002, cr4 = 0x40003, cr8 = 0x40004;
constexpr u32 xfem = 0x40005;
constexpr u32 intermediate_cr0 = 0x41000, intermediate_cr3 = 0x41002, intermediate_cr4 = 0x41003,
              intermediate_cr8 = 0x41004;
constexpr u32 dr0 = 0x50000, dr6 = 0x50004, dr7 = 0x50005;
constexpr u32 es = 0x60000;
constexpr u32 idtr = 0x70000, gdtr = 0x70001;
constexpr u32 vp_root_signal_count = 0x90014;
} // namespace name

// Places in an XSAVE area's legacy part.
constexpr u32 control_at = 0, status_at = 2, tag_at = 4, opcode_at = 6, fip_at = 8, fdp_at = 16,
              mxcsr_at = 24, mxcsr_mask_at = 28, st_at = 32, xmm_at = 160;

template <typename T>
T get(const ChildVp& vp, u32 where) {
    T value{};
    __builtin_memcpy(&value, vp.context.extended + where, sizeof(T));
    return value;
}
template <typename T>
void put(ChildVp& vp, u32 where, T value) {
    __builtin_memcpy(vp.context.extended + where, &value, sizeof(T));
}

svm::Segment* segment(svm::Vmcb& v, u32 which) {
    svm::Segment* const all[] = {&v.es, &v.cs, &v.ss, &v.ds, &v.fs, &v.gs, &v.ldtr, &v.tr};
    return which < 8 ? all[which] : nullptr;
}

svm::Segment* table(svm::Vmcb& v, u32 which) {
    return which == name::idtr ? &v.idtr : which == name::gdtr ? &v.gdtr : nullptr;
}

/// Those that are one word in the control block.
u64* word(ChildVp& vp, u32 which) {
    svm::Vmcb& v = vp.cpu.vmcb;
    switch (which) {
    case name::rip:
        return &v.rip;
    case name::cr0:
    case name::intermediate_cr0:
        return &v.cr0;
    case name::cr2:
        return &v.cr2;
    case name::cr3:
    case name::intermediate_cr3:
        return &v.cr3;
    case name::cr4:
    case name::intermediate_cr4:
        return &v.cr4;
    case name::dr6:
        return &v.dr6;
    case name::dr7:
        return &v.dr7;
    case name::deliverability:
        return &vp.deliverability;
    case name::xfem:
        return &vp.context.xcr0;
    default:
        return which >= name::dr0 && which < name::dr6 ? &vp.context.debug[which - name::dr0]
                                                       : nullptr;
    }
}

bool read_extended(const ChildVp& vp, u32 which, Value& value) {
    if (which >= name::xmm0 && which < name::xmm0 + 16) {
        value = get<Value>(vp, xmm_at + 16 * (which - name::xmm0));
        return true;
    }
    if (which >= name::fp0 && which < name::fp0 + 8) {
        value = get<Value>(vp, st_at + 16 * (which - name::fp0));
        return true;
    }
    if (which == name::fp_control_status) {
        value.low = u64{get<u16>(vp, control_at)} | u64{get<u16>(vp, status_at)} << 16 |
                    u64{get<u8>(vp, tag_at)} << 32 | u64{get<u16>(vp, opcode_at)} << 48;
        value.high = get<u64>(vp, fip_at);
        return true;
    }
    if (which == name::xmm_control_status) {
        value.low = get<u64>(vp, fdp_at);
        value.high = u64{get<u32>(vp, mxcsr_at)} | u64{get<u32>(vp, mxcsr_mask_at)} << 32;
        return true;
    }
    return false;
}

bool write_extended(ChildVp& vp, u32 which, const Value& value) {
    if (which >= name::xmm0 && which < name::xmm0 + 16) {
        put(vp, xmm_at + 16 * (which - name::xmm0), value);
    } else if (which >= name::fp0 && which < name::fp0 + 8) {
        put(vp, st_at + 16 * (which - name::fp0), value);
    } else if (which == name::fp_control_status) {
        put(vp, control_at, static_cast<u16>(value.low));
        put(vp, status_at, static_cast<u16>(value.low >> 16));
        put(vp, tag_at, static_cast<u8>(value.low >> 32));
        put(vp, opcode_at, static_cast<u16>(value.low >> 48));
        put(vp, fip_at, value.high);
    } else if (which == name::xmm_control_status) {
        constexpr u32 legal_mxcsr = 0xFFFF;
        put(vp, fdp_at, value.low);
        put(vp, mxcsr_at, static_cast<u32>(value.high) & legal_mxcsr);
    } else {
        return false;
    }
    pending::mark_used(vp);
    return true;
}

bool read_control(ChildVp& vp, u32 which, Value& value) {
    switch (which) {
    case name::explicit_suspend:
        value.low = vp.explicit_suspended ? 1 : 0;
        return true;
    case name::intercept_suspend:
        value.low = vp.intercept_suspended ? 1 : 0;
        return true;
    case name::dispatch_suspend:
        value.low = vp.dispatch_suspended ? 1 : 0;
        return true;
    case name::internal_activity:
        value.low = (vp.activity == ChildVp::Activity::waiting_for_startup ? 1U : 0U) |
                    (vp.activity == ChildVp::Activity::halted ? 2U : 0U);
        return true;
    case name::pending_interruption:
        value.low = pending::interruption(vp);
        return true;
    case name::interrupt_state:
        value.low = pending::interrupt_state(vp);
        return true;
    case name::emulation_hints:
    case name::pending_event0:
    case name::pending_event1:
    case name::pending_debug_exception:
        return true;
    case name::cr8:
    case name::intermediate_cr8:
        value.low = vp.apic.task_priority() >> 4;
        return true;
    case name::rflags:
        value.low = vp.cpu.vmcb.rflags;
        return true;
    case name::vp_root_signal_count: {
        const Guard guard(vp.signal_lock);
        value.low = vp.signals;
        return true;
    }
    default:
        return false;
    }
}

bool write_control(ChildVp& vp, u32 which, u64 value) {
    switch (which) {
    case name::explicit_suspend:
        scheduling::set_explicit_suspend(vp, (value & 1) != 0);
        return true;
    case name::intercept_suspend:
        scheduling::set_intercept_suspend(vp, (value & 1) != 0);
        return true;
    case name::dispatch_suspend:
        scheduling::set_dispatch_suspend(vp, (value & 1) != 0);
        return true;
    case name::internal_activity:
        vp.activity = (value & 1) != 0   ? ChildVp::Activity::waiting_for_startup
                      : (value & 2) != 0 ? ChildVp::Activity::halted
                                         : ChildVp::Activity::running;
        return true;
    case name::pending_interruption:
        pending::set_interruption(vp, value);
        return true;
    case name::interrupt_state:
        pending::set_interrupt_state(vp, value);
        return true;
    case name::emulation_hints:
    case name::pending_event0:
    case name::pending_event1:
    case name::pending_debug_exception:
        return true;
    case name::cr8:
    case name::intermediate_cr8:
        vp.apic.set_task_priority(static_cast<u8>((value & 0xF) << 4));
        return true;
    case name::rflags:
        vp.cpu.vmcb.rflags = pending::legal_flags(value);
        return true;
    default:
        return false;
    }
}

/// The processor derives LMA, and so do we where the parent sets CR0 and EFER one by one; CPL is
/// SS's.
void derive(ChildVp& vp) {
    svm::Vmcb& v = vp.cpu.vmcb;
    constexpr u64 paging = 1ULL << 31;
    const bool active = (v.efer & efer::lme) != 0 && (v.cr0 & paging) != 0;
    v.efer = (v.efer & ~efer::lma) | (active ? efer::lma : 0);
    v.cpl = (v.cr0 & 1) != 0 ? static_cast<u8>(v.ss.attributes >> 5 & 3) : u8{0};
}

} // namespace

Status read(ChildVp& vp, u32 which, Value& value) {
    value = {};
    svm::Vmcb& v = vp.cpu.vmcb;
    if (which >= name::rax && which < name::rax + 16) {
        value.low = guest_code::NumberedRegisters(vp.cpu).all[which - name::rax];
        return Status::success;
    }
    if (const u64* const place = word(vp, which)) {
        value.low = *place;
        return Status::success;
    }
    if (which >= name::es && which < name::es + 8) {
        const auto reg = intercept::to_register(*segment(v, which - name::es));
        __builtin_memcpy(static_cast<void*>(&value), &reg, sizeof(reg));
        return Status::success;
    }
    if (const svm::Segment* const place = table(v, which)) {
        value.low = u64{place->limit & 0xFFFF} << 48;
        value.high = place->base;
        return Status::success;
    }
    return read_extended(vp, which, value) || read_control(vp, which, value) ||
                   read_by_msr(vp, which, value.low)
               ? Status::success
               : Status::invalid_parameter;
}

Status write(ChildVp& vp, u32 which, const Value& value) {
    svm::Vmcb& v = vp.cpu.vmcb;
    if (which >= name::rax && which < name::rax + 16) {
        guest_code::NumberedRegisters registers(vp.cpu);
        registers.all[which - name::rax] = value.low;
        registers.put_back(vp.cpu);
    } else if (u64* const place = word(vp, which)) {
        *place = value.low;
        derive(vp);
    } else if (which >= name::es && which < name::es + 8) {
        intercept::SegmentRegister reg{};
        __builtin_memcpy(&reg, &value, sizeof(reg));
        *segment(v, which - name::es) = intercept::to_segment(reg);
        derive(vp);
    } else if (svm::Segment* const own = table(v, which)) {
        own->limit = static_cast<u32>(value.low >> 48);
        own->base = value.high;
    } else if (!write_extended(vp, which, value) && !write_control(vp, which, value.low)) {
        const Status status = write_by_msr(vp, which, value.low);
        derive(vp);
        return status;
    }
    return Status::success;
}

} // namespace mshv::standin::registers
