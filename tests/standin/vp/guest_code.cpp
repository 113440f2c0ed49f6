// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/vp/guest_code.hpp"

#include "tests/standin/cpu/instructions.hpp"

namespace mshv::standin::guest_code {
namespace {

u64* word_at(void* partition, u64 gpa) {
    const auto found = static_cast<const Partition*>(partition)->memory.find(gpa);
    return found.present ? at<u64>(found.address) : nullptr;
}

bool read_word(void* partition, u64 gpa, u64& value) {
    const u64* const word = word_at(partition, gpa);
    if (word != nullptr) {
        value = __atomic_load_n(word, __ATOMIC_RELAXED);
    }
    return word != nullptr;
}

bool exchange_word(void* partition, u64 gpa, u64 expected, u64 desired) {
    u64* const word = word_at(partition, gpa);
    return word != nullptr && __atomic_compare_exchange_n(word, &expected, desired, false,
                                                          __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

void* context_of(const Partition& partition) {
    return const_cast<Partition*>(&partition); // what is changed is the guest's, not this
}

} // namespace

NumberedRegisters::NumberedRegisters(const VirtualProcessor& vp)
    : all{vp.vmcb.rax,      vp.registers.rcx, vp.registers.rdx, vp.registers.rbx,
          vp.vmcb.rsp,      vp.registers.rbp, vp.registers.rsi, vp.registers.rdi,
          vp.registers.r8,  vp.registers.r9,  vp.registers.r10, vp.registers.r11,
          vp.registers.r12, vp.registers.r13, vp.registers.r14, vp.registers.r15} {}

void NumberedRegisters::put_back(VirtualProcessor& vp) const {
    vp.vmcb.rax = all[0];
    vp.vmcb.rsp = all[4];
    vp.registers = {all[1], all[2],  all[3],  all[5],  all[6],  all[7],  all[8],
                    all[9], all[10], all[11], all[12], all[13], all[14], all[15]};
}

GuestMemory memory_of(const Partition& partition) {
    return {context_of(partition), read_word, nullptr};
}

GuestMemory writable_memory_of(const Partition& partition) {
    return {context_of(partition), read_word, exchange_word};
}

CodeMode mode_of(const svm::Vmcb& vmcb) {
    constexpr u16 long_bit = 1U << 9;
    constexpr u16 default_32_bit = 1U << 10;
    if ((vmcb.cr0 & 1) == 0 || (vmcb.rflags & rflags::virtual_8086) != 0) {
        return CodeMode::real16;
    }
    if ((vmcb.efer & efer::lma) != 0 && (vmcb.cs.attributes & long_bit) != 0) {
        return CodeMode::long64;
    }
    return (vmcb.cs.attributes & default_32_bit) != 0 ? CodeMode::protected32
                                                      : CodeMode::protected16;
}

PagingState paging_of(const svm::Vmcb& vmcb) {
    PagingState paging;
    paging.cr0 = vmcb.cr0;
    paging.cr3 = vmcb.cr3;
    paging.cr4 = vmcb.cr4;
    paging.efer = vmcb.efer;
    paging.rflags = vmcb.rflags;
    paging.physical_bits = physical_address_bits();
    return paging;
}

FetchResult fetch(const Partition& partition, const svm::Vmcb& vmcb) {
    const CodeLocation code{mode_of(vmcb), vmcb.cs.base, vmcb.cs.limit, vmcb.rip, vmcb.cpl == 3};
    return fetch_instruction(memory_of(partition), paging_of(vmcb), code);
}

bool operand_address(const Instruction& instruction, const VirtualProcessor& vp, bool written,
                     u64& linear) {
    const bool string = written && instruction.destination.kind == OperandKind::string_target;
    if (!string && !instruction.has_memory) {
        return false;
    }
    const NumberedRegisters registers(vp);
    const svm::Vmcb& v = vp.vmcb;
    const u64 bases[6] = {v.es.base, v.cs.base, v.ss.base, v.ds.base, v.fs.base, v.gs.base};
    linear = linear_address(instruction, string ? instruction.string_target : instruction.memory,
                            {registers.all, bases, v.rip});
    return true;
}

} // namespace mshv::standin::guest_code
