// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/vp/child_exits.hpp"

#include "tests/standin/console/log.hpp"
#include "tests/standin/cpu/instructions.hpp"
#include "tests/standin/port/ports.hpp"
#include "tests/standin/vp/child_cpuid.hpp"
#include "tests/standin/vp/child_msrs.hpp"
#include "tests/standin/vp/guest_code.hpp"
#include "tests/standin/vp/injection.hpp"
#include "tests/standin/vp/intercept_report.hpp"
#include "tests/standin/vp/interrupt_controller.hpp"

namespace mshv::standin {
namespace {

using intercept::Access;

void raise(ChildVp& vp, void (VirtualProcessor::*what)()) {
    (vp.cpu.*what)();
    vp.injected = vp.cpu.vmcb.event_injection;
}

Outcome on_cpuid(ChildVp& vp) {
    const auto leaf = static_cast<u32>(vp.cpu.vmcb.rax);
    const auto subleaf = static_cast<u32>(vp.cpu.registers.rcx);
    const CpuidValues r =
        child_cpuid(vp.partition, vp.index, leaf, subleaf, vp.cpu.vmcb.cr4, vp.apic.id());
    if ((vp.partition.intercepts >> intercept_kind::cpuid & 1) != 0) {
        intercept::report_cpuid(vp, r.eax, r.ebx, r.ecx, r.edx);
        return Outcome::intercepted;
    }
    vp.cpu.vmcb.rax = r.eax;
    vp.cpu.registers.rbx = r.ebx;
    vp.cpu.registers.rcx = r.ecx;
    vp.cpu.registers.rdx = r.edx;
    vp.cpu.skip(2);
    return Outcome::go_on;
}

Outcome on_msr(ChildVp& vp) {
    const auto number = static_cast<u32>(vp.cpu.registers.rcx);
    const bool write = vp.cpu.vmcb.exit_info_1 != 0;
    u64 value = write ? vp.cpu.edx_eax() : 0;
    u64 gpa = 0;
    const auto result =
        write ? child_msrs::write(vp, number, value, gpa) : child_msrs::read(vp, number, value);
    switch (result) {
    case child_msrs::Result::wanted:
        intercept::report_memory(vp, gpa, Access::write, true);
        return Outcome::intercepted;
    case child_msrs::Result::none:
        if ((vp.partition.intercepts >> intercept_kind::msr & 1) != 0) {
            intercept::report_msr(vp, write);
            return Outcome::intercepted;
        }
        Log() << "partition " << vp.partition.id << " vp " << vp.index << " msr "
              << (write ? "write " : "read ") << Hex{number} << " refused rip "
              << Hex{vp.cpu.vmcb.rip};
        raise(vp, &VirtualProcessor::raise_general_protection);
        return Outcome::go_on;
    case child_msrs::Result::done:
        break;
    }
    if (!write) {
        vp.cpu.set_edx_eax(value);
    }
    vp.cpu.skip(2);
    return Outcome::go_on;
}

Access access_of(u64 fault) {
    if ((fault & svm::fault::fetch) != 0) {
        return Access::execute;
    }
    return (fault & svm::fault::write) != 0 ? Access::write : Access::read;
}

/// A write that rings a doorbell is done with that.
bool ring(ChildVp& vp, u64 gpa) {
    if (!vp.partition.connections.covers(gpa)) {
        return false;
    }
    const FetchResult fetched = guest_code::fetch(vp.partition, vp.cpu.vmcb);
    const DecodeResult decoded = decode(fetched.span(), guest_code::mode_of(vp.cpu.vmcb));
    const Instruction& is = decoded.instruction;
    if (!decoded.ok() || is.operation != Operation::mov ||
        is.destination.kind != OperandKind::memory) {
        return false;
    }
    const guest_code::NumberedRegisters registers(vp.cpu);
    const u64 value = is.source.kind == OperandKind::immediate
                          ? low_bytes(static_cast<u64>(is.immediate), is.destination.size)
                          : read_register(is.source, registers.all);
    const u32 port = vp.partition.connections.find(gpa, is.destination.size, value);
    if (port == 0) {
        return false;
    }
    ports::ring(vp.partition.parent, port);
    vp.cpu.skip(is.length);
    return true;
}

Outcome on_nested_page_fault(ChildVp& vp) {
    const u64 gpa = vp.cpu.vmcb.exit_info_2;
    const u64 fault = vp.cpu.vmcb.exit_info_1;
    const Access access = access_of(fault);
    const auto found = vp.partition.memory.find(gpa);
    if (found.present) {
        const bool missing = (access == Access::write && !found.rights.write) ||
                             (access == Access::execute && !found.rights.execute);
        if (!missing) { // it has been mapped since
            return Outcome::go_on;
        }
        intercept::report_memory(vp, gpa, access, true);
        return Outcome::intercepted;
    }
    if (found.reserved) {
        intercept::report_memory(vp, gpa, access, true);
        return Outcome::intercepted;
    }
    if (access != Access::execute && interrupt_controller::emulate_access(vp, gpa)) {
        const u32 ended = interrupt_controller::take_ended_level(vp);
        if (ended != 0) {
            intercept::report_end_of_interrupt(vp, ended);
            return Outcome::intercepted;
        }
        return Outcome::go_on;
    }
    if (access == Access::write && ring(vp, gpa)) {
        return Outcome::go_on;
    }
    intercept::report_memory(vp, gpa, access, false);
    return Outcome::intercepted;
}

/// The page that a call names may be one that the parent has not given yet, or has taken back.
bool is_missing(const ChildVp& vp, u64 gpa) {
    return vp.partition.memory.find(gpa).reserved;
}

Outcome on_hypercall(ChildVp& vp, OnCall on_call) {
    const bool fast = (vp.cpu.registers.rcx >> 16 & 1) != 0;
    for (const u64 gpa : {vp.cpu.registers.rdx, vp.cpu.registers.r8}) {
        if (!fast && is_missing(vp, gpa)) {
            intercept::report_memory(vp, gpa, Access::write, true);
            return Outcome::intercepted;
        }
    }
    on_call(vp.partition, vp.index, vp.cpu);
    vp.injected = vp.cpu.vmcb.event_injection;
    return Outcome::go_on;
}

/// MOV to CR8 with the priority that held an interrupt back.
Outcome on_cr8(ChildVp& vp) {
    const FetchResult fetched = guest_code::fetch(vp.partition, vp.cpu.vmcb);
    const DecodeResult decoded = decode(fetched.span(), guest_code::mode_of(vp.cpu.vmcb));
    if (!decoded.ok()) {
        return Outcome::go_on;
    }
    constexpr u8 rex_mask = 0xF0;
    constexpr u8 rex = 0x40;
    u32 number = decoded.instruction.modrm & 7U;
    for (u8 i = 0; i < decoded.instruction.length; ++i) {
        if ((fetched.bytes[i] & rex_mask) == rex) {
            number |= (fetched.bytes[i] & 1U) << 3;
            break;
        }
        if (fetched.bytes[i] == 0x0F) {
            break;
        }
    }
    const guest_code::NumberedRegisters registers(vp.cpu);
    vp.apic.set_task_priority(static_cast<u8>((registers.all[number] & 0xF) << 4));
    vp.cpu.skip(decoded.instruction.length);
    return Outcome::go_on;
}

Outcome on_halt(ChildVp& vp) {
    vp.cpu.skip(1);
    vp.activity = ChildVp::Activity::halted;
    return Outcome::go_on;
}

} // namespace

Outcome on_child_exit(ChildVp& vp, OnCall on_call) {
    const auto reason = static_cast<svm::Exit>(vp.cpu.vmcb.exit_code);
    switch (reason) {
    case svm::Exit::intr:
    case svm::Exit::nmi:
        return Outcome::interrupted;
    case svm::Exit::iret:
        injection::on_iret(vp);
        return Outcome::go_on;
    case svm::Exit::cr8_write:
        return on_cr8(vp);
    case svm::Exit::cpuid:
        return on_cpuid(vp);
    case svm::Exit::msr: {
        const Outcome outcome = on_msr(vp);
        const u32 ended = interrupt_controller::take_ended_level(vp);
        if (ended != 0) {
            intercept::report_end_of_interrupt(vp, ended);
            return Outcome::intercepted;
        }
        return outcome;
    }
    case svm::Exit::hlt:
        return on_halt(vp);
    case svm::Exit::ioio:
        intercept::report_port(vp, vp.cpu.vmcb.exit_info_1, vp.cpu.vmcb.exit_info_2);
        return Outcome::intercepted;
    case svm::Exit::vmmcall:
        return on_hypercall(vp, on_call);
    case svm::Exit::nested_page_fault:
        return on_nested_page_fault(vp);
    case svm::Exit::shutdown:
        intercept::report_unrecoverable(vp);
        return Outcome::intercepted;
    default:
        if (svm::is_hidden_instruction(reason)) {
            raise(vp, &VirtualProcessor::raise_invalid_opcode);
            return Outcome::go_on;
        }
        intercept::report_invalid_state(vp);
        return Outcome::intercepted;
    }
}

} // namespace mshv::standin
