// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/root/root_apic.hpp"

#include "tests/standin/console/log.hpp"
#include "tests/standin/cpu/instructions.hpp"
#include "tests/standin/decode/fetch.hpp"
#include "tests/standin/decode/operands.hpp"
#include "tests/standin/lp/local_apic.hpp"
#include "tests/standin/root/root_exits.hpp"
#include "tests/standin/root/root_partition.hpp"

namespace mshv::standin {
namespace {

namespace reg = local_apic::reg;
namespace icr = local_apic::icr;

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

u64 register_value(const VirtualProcessor& vp, const Operand& operand) {
    const GuestRegisters& r = vp.registers;
    const u64 all[16] = {vp.vmcb.rax, r.rcx, r.rdx, r.rbx, vp.vmcb.rsp, r.rbp, r.rsi, r.rdi,
                         r.r8,        r.r9,  r.r10, r.r11, r.r12,       r.r13, r.r14, r.r15};
    return read_register(operand, all);
}

void deliver(u32 apic_id, u32 command) {
    for (Lp& lp : lps()) {
        if (lp.apic_id != apic_id) {
            continue;
        }
        if (!root_options().hide_hypervisor && !root_partition().vps[lp.index].exists) {
            Log() << "lp " << lp.index << " has no vp: it is not started";
            return;
        }
        if ((command & icr::mode_mask) == icr::init) {
            lp.mailbox.post_init();
        } else {
            lp.mailbox.post_startup(command & 0xFF);
        }
        // Out of the guest, whatever the guest thinks of interrupts; then out of the wait for one.
        if (!__atomic_exchange_n(&lp.kicked, true, __ATOMIC_ACQ_REL)) {
            local_apic::send(apic_id, icr::nmi | icr::assert_level);
        }
        local_apic::send(apic_id, local_apic::wake_vector | icr::assert_level);
        return;
    }
}

/// True when the command has been dealt with and must not reach the machine.
bool take_command(const Lp& self, u32 command) {
    const u32 mode = command & icr::mode_mask;
    if (mode != icr::init && mode != icr::startup) {
        return false;
    }
    if (mode == icr::init && (command & icr::assert_level) == 0) {
        return true; // the end of one; nothing waits for it
    }
    if ((command & icr::shorthand_mask) == 0) {
        deliver(local_apic::read(reg::icr_high) >> 24, command);
        return true;
    }
    for (const Lp& lp : lps()) {
        if (lp.index != self.index) {
            deliver(lp.apic_id, command);
        }
    }
    return true;
}

void write_register(const Lp& self, u32 where, u32 value) {
    if (where != reg::icr_low || !take_command(self, value)) {
        local_apic::write(where, value);
    }
}

} // namespace

bool emulate_apic_write(Lp& lp, VirtualProcessor& vp) {
    const u64 gpa = vp.vmcb.exit_info_2;
    if (align_down(gpa, page_size) != local_apic::base ||
        (vp.vmcb.exit_info_1 & svm::fault::write) == 0) {
        return false;
    }
    const DecodeResult decoded = decode_current(vp.vmcb);
    const Instruction& instruction = decoded.instruction;
    if (!decoded.ok() || instruction.operation != Operation::mov ||
        instruction.destination.size != 4) {
        give_up(vp, "wrote to its APIC by something else than a MOV of 32 bits:");
    }
    const auto where = static_cast<u32>(gpa % page_size);
    const Operand& source = instruction.source;
    const u64 value = source.kind == OperandKind::immediate
                          ? static_cast<u64>(instruction.immediate)
                          : register_value(vp, source);
    write_register(lp, where, static_cast<u32>(value));
    vp.skip(instruction.length);
    return true;
}

} // namespace mshv::standin
