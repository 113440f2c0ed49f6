// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/svm/interrupt_queue.hpp"
#include "tests/standin/svm/vmcb.hpp"

namespace mshv::standin {

/// The general registers that VMRUN does not switch; the order is known to world_switch.S.
struct GuestRegisters {
    u64 rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15;
};

/// A virtual processor as SVM sees it. One processor at a time runs it, and only that one touches it.
struct VirtualProcessor {
    explicit VirtualProcessor(svm::Vmcb& control) : vmcb(control) {}

    svm::Vmcb& vmcb;
    GuestRegisters registers{};
    svm::InterruptQueue interrupts;
    bool traps_halt = false; ///< its HLT is an exit also when no interrupt waits

    /// Goes on behind an instruction that was emulated.
    void skip(u64 length) {
        vmcb.rip += length;
        vmcb.interrupt_shadow = 0;
    }
    /// The instruction fails: #UD, #GP(0).
    void raise_invalid_opcode() {
        vmcb.event_injection = svm::event::valid | svm::event::exception | 6;
    }
    void raise_general_protection() {
        vmcb.event_injection =
            svm::event::valid | svm::event::exception | svm::event::has_error_code | 13;
    }
    void inject_nmi() { vmcb.event_injection = svm::event::valid | svm::event::nmi | 2; }

    [[nodiscard]] u64 edx_eax() const { return registers.rdx << 32 | (vmcb.rax & 0xFFFFFFFF); }
    void set_edx_eax(u64 value) {
        vmcb.rax = value & 0xFFFFFFFF;
        registers.rdx = value >> 32;
    }
};

} // namespace mshv::standin
