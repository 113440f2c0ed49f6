// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/svm/processor.hpp"

#include "tests/standin/console/log.hpp"
#include "tests/standin/cpu/instructions.hpp"
#include "tests/standin/lp/local_apic.hpp"
#include "tests/standin/svm/own_state.hpp"

extern "C" {
void world_switch(mshv::standin::PhysicalAddress vmcb, mshv::standin::GuestRegisters* registers,
                  mshv::standin::PhysicalAddress host_state);
extern const mshv::standin::u8 world_switch_exit[];
}

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

bool is_external(u64 what) {
    return (what & (event::valid | event::type_mask)) == (event::valid | event::external);
}

/// QEMU's TCG (seen in 7.2) remembers the vector of an injected interrupt as its pending exception and
/// delivers it once more, whatever RFLAGS.IF says, when another thread calls the processor out of its
/// loop before something makes it forget. An NMI does: it ends the VMRUN once the interrupt is in.
/// V_IRQ is no way around: QEMU sets it in a word that other threads change at the same time, and an
/// idle guest whose V_IRQ is lost sleeps for ever, since what it has in service holds back all else. So
/// V_IRQ only tells when a guest that does not take interrupts takes them again; where it gets lost, its
/// HLT does.
void offer_interrupts(Lp& lp, VirtualProcessor& vp) {
    Vmcb& vmcb = vp.vmcb;
    vmcb.v_irq = 0;
    vmcb.intercepts_3 &= ~(intercept3::vintr | intercept3::hlt);
    const bool takes = (vmcb.rflags & rflags::interrupts_on) != 0 && vmcb.interrupt_shadow == 0;
    if (vp.interrupts.size() != 0 && takes && vmcb.event_injection == 0) {
        vmcb.event_injection = event::valid | event::external | vp.interrupts.take_next();
    }
    lp.ends_next_entry |= is_external(vmcb.event_injection);
    if (vp.interrupts.size() != 0) {
        vmcb.v_irq = v_irq_pending;
        vmcb.v_intr_flags = v_ignore_tpr;
        vmcb.v_intr_vector = vp.interrupts.next();
        vmcb.intercepts_3 |= intercept3::vintr | intercept3::hlt;
    }
    if (vp.traps_halt) {
        vmcb.intercepts_3 |= intercept3::hlt;
    }
}

/// Keeps what the exit cut short for the next entry.
void keep_events(VirtualProcessor& vp) {
    const u64 cut_short = vp.vmcb.exit_interrupt_info;
    vp.vmcb.event_injection = (cut_short & event::valid) != 0 ? cut_short : 0;
}

/// What is known of an entry, should its exit lose the guest.
struct Entry {
    explicit Entry(const VirtualProcessor& vp)
        : rip(vp.vmcb.rip), injected(vp.vmcb.event_injection), registers(vp.registers) {}
    u64 rip, injected;
    GuestRegisters registers;
};

/// QEMU's TCG (cpu_clear_ignne() of 7.2, and later) lets each processor that loads an x87 state
/// change a word of the first one's, without a lock: among its flags are those that nested paging
/// is on and that interrupts are held. A change that the first one makes just then is lost. At a
/// #VMEXIT the hypervisor's next instruction is translated by its guest's tables, which is a nested
/// page fault, and the guest's state is overwritten by the hypervisor's own. FLDENV in a loop of a
/// root's process on another processor does it in less than a second. It cannot be kept from a
/// guest to load its x87 state; a machine of one processor is safe from it. Going on would blame
/// the guest, at another place.
void check_exit(Lp& lp, const VirtualProcessor& vp, const Entry& entry, bool ended) {
    const Vmcb& v = vp.vmcb;
    constexpr u64 frames = page_size; // of world_switch() and its callers up to here
    const u64 here = address_of(__builtin_frame_address(0));
    if (!is_own_state(v, {address_of(world_switch_exit), read_cr3(), here - frames, here})) {
        return;
    }
    const bool ran =
        __builtin_memcmp(&entry.registers, &vp.registers, sizeof(entry.registers)) != 0;
    Log() << "guest lost at its exit " << Hex{v.exit_code} << " info " << Hex{v.exit_info_1} << ' '
          << Hex{v.exit_info_2} << " event " << Hex{v.exit_interrupt_info} << " entered at "
          << Hex{entry.rip} << " with event " << Hex{entry.injected} << (ended ? " and an NMI" : "")
          << (ran ? ", ran since" : ", has not run") << " vmcb " << Hex{address_of(&v)} << " lp "
          << lp.index;
    panic("the processor has saved the hypervisor's own state as its guest's");
}

} // namespace

void enter(Lp& lp, VirtualProcessor& vp) {
    constexpr u8 flush_all = 1;
    vp.vmcb.tlb_control = lp.presence.enter(translation_clock()) ? flush_all : u8{0};
    // The NMI of a kick may be lost, see below; one that is not and this one are the same.
    const bool ends = lp.ends_next_entry || __atomic_load_n(&lp.kicked, __ATOMIC_SEQ_CST);
    if (ends) {
        lp.ends_next_entry = false;
        kick_self(lp);
    }
    const Entry entry(vp);
    world_switch(address_of(&vp.vmcb), &vp.registers, address_of(lp.host_state));
    lp.presence.leave();
    check_exit(lp, vp, entry, ends);
    // At an exit QEMU changes, without its lock, a word in which other threads report interrupts, so
    // one of them may get lost. A write of the task priority makes it look again.
    local_apic::write(local_apic::reg::task_priority, local_apic::read(local_apic::reg::task_priority));
}

void run(Lp& lp, VirtualProcessor& vp) {
    offer_interrupts(lp, vp);
    enter(lp, vp);
    keep_events(vp);
}

} // namespace mshv::standin::svm
