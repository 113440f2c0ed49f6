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

void run(Lp& lp, VirtualProcessor& vp) {
    constexpr u8 flush_all = 1;
    vp.vmcb.tlb_control = lp.presence.enter(translation_clock()) ? flush_all : u8{0};
    world_switch(address_of(&vp.vmcb), &vp.registers, address_of(lp.host_state));
    lp.presence.leave();
    vp.vmcb.event_injection = 0;
    if ((vp.vmcb.exit_interrupt_info & event::valid) != 0) {
        vp.vmcb.event_injection = vp.vmcb.exit_interrupt_info;
    }
}

} // namespace mshv::standin::svm
