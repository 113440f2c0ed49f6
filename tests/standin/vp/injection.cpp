// SPDX-License-Identifier: Apache-2.0
//
// Source: AMD64 APM volume 2, §15.20 and §15.21; and how QEMU's SVM differs, which does not load
// the interrupt shadow at VMRUN before version 10.
#include "tests/standin/vp/injection.hpp"

#include "tests/standin/cpu/instructions.hpp"
#include "tests/standin/vp/eoi_assist.hpp"
#include "tests/standin/vp/guest_code.hpp"
#include "tests/standin/vp/initial_state.hpp"

namespace mshv::standin::injection {
namespace {

u32 events_of(const ChildVp& vp) {
    return __atomic_load_n(&vp.events, __ATOMIC_ACQUIRE);
}
void take_event(ChildVp& vp, u32 event) {
    __atomic_fetch_and(&vp.events, ~event, __ATOMIC_ACQ_REL);
}

/// That of the old controllers has been delivered; another one may be there by now.
void take_external(ChildVp& vp, u32 vector) {
    u32 old = events_of(vp);
    while ((old >> vp_event::external_shift & 0xFF) == vector &&
           !__atomic_compare_exchange_n(&vp.events, &old, old & ~vp_event::external, false,
                                        __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
    }
}

/// That of the old controllers goes before those of the APIC.
bool has_external(const ChildVp& vp) {
    return (events_of(vp) & vp_event::external) != 0 && vp.apic.accepts_external();
}

bool starts_with_halt(const ChildVp& vp) {
    const FetchResult fetched = guest_code::fetch(vp.partition, vp.cpu.vmcb);
    constexpr u8 hlt = 0xF4;
    return fetched.count != 0 && fetched.bytes[0] == hlt;
}

void put_up(ChildVp& vp, u64 event) {
    vp.cpu.vmcb.event_injection = event;
    vp.injected = event;
}

/// It goes by V_IRQ: what is injected QEMU's TCG may deliver twice, see svm::run(). That V_IRQ may get
/// lost does no harm here: at the next exit it is still offered, and a child's HLT is one, and so is the
/// root's next interrupt. What only the task priority holds back is looked at when that is written:
/// QEMU's V_IRQ counts a priority as enough that is equal.
void offer(ChildVp& vp, u32 vector) {
    svm::Vmcb& v = vp.cpu.vmcb;
    v.v_irq = svm::v_irq_pending;
    v.v_intr_flags = static_cast<u8>(svm::v_ignore_tpr | vector >> 4);
    v.v_intr_vector = static_cast<u8>(vector);
}

u32 external_vector(const ChildVp& vp) {
    return events_of(vp) >> vp_event::external_shift & 0xFF;
}

bool take_nmi(ChildVp& vp) {
    if ((events_of(vp) & vp_event::nmi) == 0 || vp.nmi_masked) {
        return false;
    }
    take_event(vp, vp_event::nmi);
    put_up(vp, svm::event::valid | svm::event::nmi | 2);
    vp.nmi_masked = true;
    vp.cpu.vmcb.intercepts_3 |= svm::intercept3::iret;
    return true;
}

} // namespace

bool wakes(const ChildVp& vp) {
    const u32 events = events_of(vp);
    if (vp.activity == ChildVp::Activity::waiting_for_startup) {
        return (events & vp_event::startup) != 0;
    }
    if ((events & vp_event::init) != 0 || ((events & vp_event::nmi) != 0 && !vp.nmi_masked)) {
        return true;
    }
    const svm::Vmcb& v = vp.cpu.vmcb;
    return (v.event_injection & svm::event::valid) != 0 ||
           ((v.rflags & rflags::interrupts_on) != 0 &&
            (has_external(vp) || vp.apic.deliverable() != 0));
}

void take_init_and_startup(ChildVp& vp) {
    if ((events_of(vp) & vp_event::init) != 0) {
        take_event(vp, vp_event::init);
        initial_state::on_init(vp);
    }
    const u32 events = events_of(vp);
    if ((events & vp_event::startup) == 0) {
        return;
    }
    take_event(vp, vp_event::startup);
    if (vp.activity == ChildVp::Activity::waiting_for_startup) {
        initial_state::on_startup(vp, events >> vp_event::startup_shift & 0xFF);
    }
}

void prepare(ChildVp& vp) {
    svm::Vmcb& v = vp.cpu.vmcb;
    vp.offered = false;
    v.v_irq = 0;
    v.v_tpr = vp.apic.task_priority() >> 4;
    v.intercept_cr_write = 0;
    const bool event = (v.event_injection & svm::event::valid) != 0 || take_nmi(vp);
    const bool external = has_external(vp);
    const u32 vector = external ? external_vector(vp) : vp.apic.deliverable();
    if (!external && vector == 0) {
        v.intercept_cr_write = vp.apic.held_by_task_priority() != 0 ? svm::intercept_cr8 : 0;
        return;
    }
    // Behind STI the guest expects to reach its HLT. The entry forgets the shadow, so the HLT is
    // done here: the interrupt comes behind it.
    if (!event && (v.interrupt_shadow & 1) != 0 && (v.rflags & rflags::interrupts_on) != 0 &&
        starts_with_halt(vp)) {
        vp.cpu.skip(1);
    }
    vp.offered = true;
    vp.offers_external = external;
    offer(vp, vector);
    if (!external) {
        vp.apic.offer(vector);
        eoi_assist::offer(vp, vector);
    }
}

void withdraw(ChildVp& vp) {
    svm::Vmcb& v = vp.cpu.vmcb;
    if (vp.offered && !vp.offers_external) {
        vp.apic.withdraw(v.v_intr_vector);
        eoi_assist::withdraw(vp);
    }
    vp.offered = false;
    v.v_irq = 0;
}

/// What was offered is in service if the guest has taken it. What the exit reports as cut short is
/// QEMU's word for what it did, whose type may be another; what was not put up here, the guest's
/// instruction brings about again.
void recover(ChildVp& vp) {
    svm::Vmcb& v = vp.cpu.vmcb;
    const bool waits = (v.v_irq & svm::v_irq_pending) != 0;
    const u64 cut_short = v.exit_interrupt_info;
    if (waits) {
        withdraw(vp);
    } else if (vp.offered && vp.offers_external) {
        take_external(vp, v.v_intr_vector);
    } else if (vp.offered) {
        vp.apic.accept(v.v_intr_vector);
    }
    eoi_assist::settle(vp);
    const bool again =
        (cut_short & svm::event::valid) != 0 && (vp.injected & svm::event::valid) != 0 &&
        (cut_short & svm::event::vector_mask) == (vp.injected & svm::event::vector_mask) &&
        !(waits && (cut_short & svm::event::vector_mask) == v.v_intr_vector);
    v.event_injection = again ? vp.injected : 0;
    vp.injected = v.event_injection;
    vp.apic.set_task_priority_class(v.v_tpr & 0xF);
}

void on_iret(ChildVp& vp) {
    vp.nmi_masked = false;
    vp.cpu.vmcb.intercepts_3 &= ~svm::intercept3::iret;
}

} // namespace mshv::standin::injection
