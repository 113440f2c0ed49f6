// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/vp/intercept_report.hpp"

#include "tests/standin/console/log.hpp"
#include "tests/standin/cpu/instructions.hpp"
#include "tests/standin/vp/guest_code.hpp"

namespace mshv::standin::intercept {
namespace {

constexpr u16 attributes_low = 0xFF;
constexpr u16 attributes_high = 0xF00;
constexpr unsigned high_shift = 4; // between SVM's form and VMX's

/// HV_X64_VP_EXECUTION_STATE.
u16 execution_state(const ChildVp& vp) {
    constexpr u64 alignment_mask = 1ULL << 18;
    const svm::Vmcb& v = vp.cpu.vmcb;
    u32 state = v.cpl;
    state |= (v.cr0 & 1) != 0 ? 1U << 2 : 0;
    state |= (v.cr0 & alignment_mask) != 0 ? 1U << 3 : 0;
    state |= (v.efer & efer::lma) != 0 ? 1U << 4 : 0;
    state |= (v.dr7 & 0xFF) != 0 ? 1U << 5 : 0;
    state |= (v.event_injection & svm::event::valid) != 0 ? 1U << 6 : 0;
    state |= (v.interrupt_shadow & 1) != 0 ? 1U << 12 : 0;
    return static_cast<u16>(state);
}

Header header_of(const ChildVp& vp, Access access, u64 length) {
    const svm::Vmcb& v = vp.cpu.vmcb;
    Header header{};
    header.vp = vp.index;
    header.length_and_cr8 =
        static_cast<u8>((length & 0xF) | u64{vp.apic.task_priority()} >> 4 << 4);
    header.access = access;
    header.execution_state = execution_state(vp);
    header.cs = to_register(v.cs);
    header.rip = v.rip;
    header.rflags = v.rflags;
    return header;
}

/// The message goes into the VP's page last, its type with it: it is read once the VP is suspended.
template <typename T>
void report(ChildVp& vp, u32 type, const T& payload) {
    vp.intercept_suspended = true;
    if (vp.message_page != nullptr) {
        const synic::Message message = synic::make_message(type, vp.partition.id, payload);
        __builtin_memcpy(vp.message_page, &message, sizeof(message));
    }
}

/// Where the instruction's operand is in the guest's own space, if that is what was touched.
void find_linear(const ChildVp& vp, const FetchResult& fetched, MemoryAccess& message) {
    const bool write = message.header.access == Access::write;
    const svm::Vmcb& v = vp.cpu.vmcb;
    const DecodeResult decoded = decode(fetched.span(), guest_code::mode_of(v));
    u64 linear = 0;
    if (!decoded.ok()) {
        return;
    }
    message.header.length_and_cr8 =
        static_cast<u8>(message.header.length_and_cr8 | decoded.instruction.length);
    if (!guest_code::operand_address(decoded.instruction, vp.cpu, write, linear)) {
        return;
    }
    const WalkResult walked = walk(guest_code::memory_of(vp.partition), guest_code::paging_of(v),
                                   linear, {write, v.cpl == 3, false});
    if (walked.ok() && walked.gpa / page_size == message.gpa / page_size) {
        message.gva = linear;
        message.info = MemoryAccess::gva_valid | MemoryAccess::gva_gpa_valid;
    }
}

} // namespace

SegmentRegister to_register(const svm::Segment& segment) {
    const u32 attributes = (segment.attributes & attributes_low) |
                           u32{static_cast<u16>(segment.attributes & attributes_high)}
                               << high_shift;
    return {segment.base, segment.limit, segment.selector, static_cast<u16>(attributes)};
}

svm::Segment to_segment(const SegmentRegister& reg) {
    const u32 attributes =
        (reg.attributes & attributes_low) | (u32{reg.attributes} >> high_shift & attributes_high);
    return {reg.selector, static_cast<u16>(attributes), reg.limit, reg.base};
}

void report_memory(ChildVp& vp, u64 gpa, Access access, bool mapped) {
    MemoryAccess message{};
    message.header = header_of(vp, access, 0);
    message.gpa = gpa;
    message.task_priority = vp.apic.task_priority();
    if (access != Access::execute) {
        const FetchResult fetched = guest_code::fetch(vp.partition, vp.cpu.vmcb);
        message.byte_count = fetched.count;
        __builtin_memcpy(message.bytes, fetched.bytes.data(), fetched.count);
        find_linear(vp, fetched, message);
    }
    report(vp, mapped ? message_type::gpa_intercept : message_type::unmapped_gpa, message);
}

void report_port(ChildVp& vp, u64 exit_info, u64 next_rip) {
    constexpr u64 repeated = 1ULL << 3;
    const bool in = (exit_info & svm::io::in) != 0;
    const svm::Vmcb& v = vp.cpu.vmcb;
    IoPort message{};
    message.header = header_of(vp, in ? Access::read : Access::write, next_rip - v.rip);
    message.port = static_cast<u16>(exit_info >> svm::io::port_shift);
    message.info = static_cast<u8>((exit_info >> svm::io::size_shift & 7) |
                                   ((exit_info & svm::io::string) != 0 ? IoPort::string : 0) |
                                   ((exit_info & repeated) != 0 ? IoPort::repeated : 0));
    const FetchResult fetched = guest_code::fetch(vp.partition, v);
    message.byte_count = fetched.count;
    __builtin_memcpy(message.bytes, fetched.bytes.data(), fetched.count);
    message.rax = v.rax;
    message.ds = to_register(v.ds);
    message.es = to_register(v.es);
    message.rcx = vp.cpu.registers.rcx;
    message.rsi = vp.cpu.registers.rsi;
    message.rdi = vp.cpu.registers.rdi;
    report(vp, message_type::io_port, message);
}

void report_unrecoverable(ChildVp& vp) {
    const svm::Vmcb& v = vp.cpu.vmcb;
    Log() << "partition " << vp.partition.id << " vp " << vp.index << " triple fault rip "
          << Hex{v.rip} << " cr3 " << Hex{v.cr3} << " rsp " << Hex{v.rsp};
    report(vp, message_type::unrecoverable, header_of(vp, Access::read, 0));
}

void report_invalid_state(ChildVp& vp) {
    const svm::Vmcb& v = vp.cpu.vmcb;
    Log() << "partition " << vp.partition.id << " vp " << vp.index << " cannot be entered exit "
          << Hex{v.exit_code} << " cr0 " << Hex{v.cr0} << " cr4 " << Hex{v.cr4} << " efer "
          << Hex{v.efer} << " rip " << Hex{v.rip} << " injected " << Hex{vp.injected};
    report(vp, message_type::invalid_register, header_of(vp, Access::read, 0));
}

void report_end_of_interrupt(ChildVp& vp, u32 vector) {
    report(vp, message_type::apic_eoi, ApicEoi{vp.index, vector});
}

void report_cpuid(ChildVp& vp, u32 eax, u32 ebx, u32 ecx, u32 edx) {
    Cpuid message{};
    message.header = header_of(vp, Access::execute, 2);
    message.rax = vp.cpu.vmcb.rax;
    message.rcx = vp.cpu.registers.rcx;
    message.rdx = vp.cpu.registers.rdx;
    message.rbx = vp.cpu.registers.rbx;
    message.result_rax = eax;
    message.result_rbx = ebx;
    message.result_rcx = ecx;
    message.result_rdx = edx;
    report(vp, message_type::cpuid, message);
}

void report_msr(ChildVp& vp, bool write) {
    Msr message{};
    message.header = header_of(vp, write ? Access::write : Access::read, 2);
    message.number = static_cast<u32>(vp.cpu.registers.rcx);
    message.rdx = vp.cpu.registers.rdx;
    message.rax = vp.cpu.vmcb.rax;
    report(vp, message_type::msr, message);
}

} // namespace mshv::standin::intercept
