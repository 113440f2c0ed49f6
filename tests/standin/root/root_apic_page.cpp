// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/root/root_apic_page.hpp"

#include "tests/standin/cpu/instructions.hpp"
#include "tests/standin/decode/fetch.hpp"
#include "tests/standin/decode/operands.hpp"
#include "tests/standin/lp/local_apic.hpp"
#include "tests/standin/root/root_apic.hpp"
#include "tests/standin/root/root_exits.hpp"
#include "tests/standin/root/root_partition.hpp"

namespace mshv::standin {
namespace {

bool read_root_memory(void*, u64 gpa, u64& value) {
    const auto found = root_partition().memory.find(gpa);
    if (found.present) {
        value = *at<const u64>(found.address);
    }
    return found.present;
}

CodeMode mode_of(const svm::Vmcb& vmcb) {
    constexpr u16 long_bit = 1U << 9;
    constexpr u16 default_32_bit = 1U << 10;
    if ((vmcb.cr0 & 1) == 0) {
        return CodeMode::real16;
    }
    if ((vmcb.efer & efer::lma) != 0 && (vmcb.cs.attributes & long_bit) != 0) {
        return CodeMode::long64;
    }
    return (vmcb.cs.attributes & default_32_bit) != 0 ? CodeMode::protected32
                                                      : CodeMode::protected16;
}

DecodeResult decode_current(const svm::Vmcb& vmcb) {
    const GuestMemory memory{nullptr, read_root_memory, nullptr};
    PagingState paging;
    paging.cr0 = vmcb.cr0;
    paging.cr3 = vmcb.cr3;
    paging.cr4 = vmcb.cr4;
    paging.efer = vmcb.efer;
    paging.rflags = vmcb.rflags;
    paging.physical_bits = physical_address_bits();
    const CodeLocation code{mode_of(vmcb), vmcb.cs.base, vmcb.cs.limit, vmcb.rip, vmcb.cpl == 3};
    const FetchResult fetched = fetch_instruction(memory, paging, code);
    return decode(fetched.span(), code.mode);
}

/// The general registers in the order of their numbers, by which operands name them.
struct NumberedRegisters {
    explicit NumberedRegisters(const VirtualProcessor& vp)
        : all{vp.vmcb.rax,      vp.registers.rcx, vp.registers.rdx, vp.registers.rbx,
              vp.vmcb.rsp,      vp.registers.rbp, vp.registers.rsi, vp.registers.rdi,
              vp.registers.r8,  vp.registers.r9,  vp.registers.r10, vp.registers.r11,
              vp.registers.r12, vp.registers.r13, vp.registers.r14, vp.registers.r15} {}

    void put_back(VirtualProcessor& vp) const {
        vp.vmcb.rax = all[0];
        vp.vmcb.rsp = all[4];
        vp.registers = {all[1], all[2],  all[3],  all[5],  all[6],  all[7],  all[8],
                        all[9], all[10], all[11], all[12], all[13], all[14], all[15]};
    }

    u64 all[16];
};

bool is_move_of_32_bits(const Instruction& instruction) {
    return instruction.operation == Operation::mov && instruction.destination.size == 4;
}

} // namespace

bool emulate_apic_access(Lp& lp, VirtualProcessor& vp) {
    const u64 gpa = vp.vmcb.exit_info_2;
    if (align_down(gpa, page_size) != local_apic::base) {
        return false;
    }
    const DecodeResult decoded = decode_current(vp.vmcb);
    const Instruction& instruction = decoded.instruction;
    if (!decoded.ok() || !is_move_of_32_bits(instruction)) {
        give_up(vp, "used its APIC by something else than a MOV of 32 bits:");
    }
    const auto where = static_cast<u32>(gpa % page_size);
    if (local_apic::is_x2apic()) {
        give_up(vp, "used its APIC's page in x2APIC mode:");
    }
    NumberedRegisters registers(vp);
    const Operand& source = instruction.source;
    if (source.kind == OperandKind::memory) {
        write_register(instruction.destination, read_root_apic(lp, where), registers.all);
        registers.put_back(vp);
    } else {
        const u64 value = source.kind == OperandKind::immediate
                              ? static_cast<u64>(instruction.immediate)
                              : read_register(source, registers.all);
        write_root_apic(lp, where, static_cast<u32>(value));
    }
    vp.skip(instruction.length);
    return true;
}

} // namespace mshv::standin
