// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/svm/processor.hpp"

#include "tests/standin/console/log.hpp"
#include "tests/standin/cpu/instructions.hpp"

extern "C" void world_switch(mshv::standin::PhysicalAddress vmcb,
                             mshv::standin::GuestRegisters* registers,
                             mshv::standin::PhysicalAddress host_state);

namespace mshv::standin::svm {
namespace {

constexpr u32 svm_leaf = 0x8000000A;
constexpr u32 feature_nested_paging = 1U << 0;
constexpr u32 svm_bit = 1U << 2;
constexpr u64 vm_cr_disabled = 1U << 4;

} // namespace

void enable(Lp& lp) {
    if ((cpuid(0x80000001).ecx & svm_bit) == 0 || (read_msr(msr::vm_cr) & vm_cr_disabled) != 0) {
        panic("the processor has no SVM, or the firmware has locked it");
    }
    if ((cpuid(svm_leaf).edx & feature_nested_paging) == 0) {
        panic("the processor has no nested paging");
    }
    write_msr(msr::efer, read_msr(msr::efer) | efer::svme);
    write_msr(msr::vm_hsave_pa, address_of(lp.host_save_area));
    asm volatile("vmsave %0" : : "a"(address_of(lp.host_state)) : "memory");
}

namespace {

/// An interrupt goes by V_IRQ, not by EVENTINJ: QEMU's TCG (seen in 7.2) remembers the vector of an
/// injected interrupt as its pending exception and delivers it once more, whatever RFLAGS.IF says,
/// when another thread calls the processor out of its loop before something else makes it forget.
/// Only where two wait at once is one injected, since the other then makes it forget.
void offer_interrupts(VirtualProcessor& vp) {
    Vmcb& vmcb = vp.vmcb;
    vmcb.v_irq = 0;
    if (vp.interrupts.size() > 1 && vmcb.event_injection == 0) {
        vmcb.event_injection = event::valid | event::external | vp.interrupts.take_next();
    }
    if (vp.interrupts.size() != 0) {
        vmcb.v_irq = v_irq_pending;
        vmcb.v_intr_flags = v_ignore_tpr;
        vmcb.v_intr_vector = vp.interrupts.next();
    }
}

/// Keeps what the exit cut short for the next entry.
void keep_events(VirtualProcessor& vp, bool offered) {
    Vmcb& vmcb = vp.vmcb;
    const bool waits = offered && (vmcb.v_irq & v_irq_pending) != 0;
    if (offered && !waits) {
        vp.interrupts.take_next();
    }
    vmcb.event_injection = 0;
    const u64 cut_short = vmcb.exit_interrupt_info;
    // One that still waits begins anew by itself.
    if ((cut_short & event::valid) != 0 &&
        !(waits && (cut_short & event::vector_mask) == vmcb.v_intr_vector)) {
        vmcb.event_injection = cut_short;
    }
}

} // namespace

void enter(Lp& lp, VirtualProcessor& vp) {
    constexpr u8 flush_all = 1;
    vp.vmcb.tlb_control = lp.presence.enter(translation_clock()) ? flush_all : u8{0};
    world_switch(address_of(&vp.vmcb), &vp.registers, address_of(lp.host_state));
    lp.presence.leave();
}

void run(Lp& lp, VirtualProcessor& vp) {
    offer_interrupts(vp);
    const bool offered = vp.vmcb.v_irq != 0;
    enter(lp, vp);
    keep_events(vp, offered);
}

} // namespace mshv::standin::svm
