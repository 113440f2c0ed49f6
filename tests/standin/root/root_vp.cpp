// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/root/root_vp.hpp"

#include "tests/standin/console/log.hpp"
#include "tests/standin/cpu/instructions.hpp"
#include "tests/standin/lp/clock.hpp"
#include "tests/standin/lp/grace.hpp"
#include "tests/standin/lp/hold.hpp"
#include "tests/standin/lp/local_apic.hpp"
#include "tests/standin/lp/lp_timers.hpp"
#include "tests/standin/memory/page_allocator.hpp"
#include "tests/standin/partition/statistics.hpp"
#include "tests/standin/root/root_apic.hpp"
#include "tests/standin/root/root_exits.hpp"
#include "tests/standin/root/root_partition.hpp"
#include "tests/standin/root/root_turns.hpp"
#include "tests/standin/svm/processor.hpp"
#include "tests/standin/svm/reset.hpp"

namespace mshv::standin {
namespace {

constexpr u32 root_asid = 1; // of each processor's own tables

void set_intercepts(svm::Vmcb& vmcb) {
    vmcb.intercepts_3 = svm::intercept3::always;
    vmcb.intercepts_4 = svm::intercept4::always;
    vmcb.iopm_base = root_permissions().ports();
    vmcb.msrpm_base = root_permissions().msrs();
    vmcb.asid = root_asid;
    vmcb.nested_control = svm::nested_paging;
    vmcb.nested_cr3 = root_partition().memory.root();
}

void set_linux_state(VirtualProcessor& vp, const LinuxEntry& entry) {
    svm::Vmcb& v = vp.vmcb;
    constexpr svm::Segment code{0x10, 0xA9B, 0xFFFFFFFF, 0};
    constexpr svm::Segment data{0x18, 0xC93, 0xFFFFFFFF, 0};
    v.cs = code;
    v.ds = v.es = v.ss = v.fs = v.gs = data;
    v.tr = {0, 0x8B, 0xFFFF, 0};
    v.ldtr = {0, 0x82, 0xFFFF, 0};
    v.gdtr = {0, 0, entry.gdt_limit, entry.gdt};
    v.cr0 = 0x80000011;
    v.cr3 = entry.cr3;
    v.cr4 = 0x20;
    v.efer = efer::lme | efer::lma | efer::svme;
    v.dr6 = 0xFFFF0FF0;
    v.dr7 = 0x400;
    v.rflags = 2;
    v.g_pat = svm::initial_pat;
    v.rip = entry.rip;
    vp.registers.rsi = entry.rsi;
}

/// As a processor stands after INIT and a start-up interrupt with this vector.
void set_started_state(VirtualProcessor& vp, u32 vector) {
    svm::set_init_state(vp);
    svm::set_startup_state(vp, vector);
    vp.vmcb.g_pat = svm::initial_pat;
    vp.interrupts = {};
}

/// Waits for the start-up interrupt that somebody sends to this processor; returns its vector.
u32 wait_for_startup(Lp& lp) {
    for (;;) {
        u32 vector = 0;
        if (lp.mailbox.take_startup(vector)) {
            return vector;
        }
        (void)lp.mailbox.take_init(); // it waits already
        lp.taken_vector = 0;
        {
            const Idle idle(lp);
            wait_while_zero(lp.mailbox.word());
        }
        if (!lp_timers::end_own_interrupt(lp) && lp.taken_vector != 0) {
            local_apic::write(local_apic::reg::eoi, 0);
        }
    }
}

/// An NMI that the root has not got yet. After another event it comes at once.
void put_up_nmi(Lp& lp, VirtualProcessor& vp) {
    if (vp.vmcb.event_injection != 0) {
        lp.ends_next_entry = true;
        return;
    }
    __atomic_store_n(&lp.nmi_for_root, false, __ATOMIC_SEQ_CST);
    vp.inject_nmi();
}

/// Runs until somebody sends an INIT here.
void run_until_init(Lp& lp, VirtualProcessor& vp) {
    lp.counters.last_change = clock::now();
    __atomic_store_n(&lp.runs_guest, true, __ATOMIC_SEQ_CST);
    for (;;) {
        root_turns::run_others(lp, vp);
        hold_all_interrupts(); // or a kick that comes once all is looked after is taken in vain
        hold::pass(lp);
        if (lp.mailbox.take_init()) {
            let_interrupts_go();
            __atomic_store_n(&lp.runs_guest, false, __ATOMIC_SEQ_CST);
            root_turns::end(lp);
            return;
        }
        u32 vector = 0;
        (void)lp.mailbox.take_startup(vector); // a processor that runs does not hear it
        if (__atomic_load_n(&lp.nmi_for_root, __ATOMIC_SEQ_CST)) {
            put_up_nmi(lp, vp);
        }
        if (root_turns::are_due(lp)) {
            let_interrupts_go();
            continue;
        }
        stats::on_entry(lp, root_vp(lp.index));
        svm::run(lp, vp);
        stats::on_exit(lp, root_vp(lp.index),
                       static_cast<svm::Exit>(vp.vmcb.exit_code));
        on_root_exit(lp, vp);
    }
}

} // namespace

void run_root_from(Lp& lp, const LinuxEntry& entry) {
    VirtualProcessor vp(*static_cast<svm::Vmcb*>(allocate_page()));
    set_intercepts(vp.vmcb);
    set_linux_state(vp, entry);
    run_until_init(lp, vp);
    give_up(vp, "sent INIT to its first processor:");
}

void run_root_when_started(Lp& lp) {
    VirtualProcessor vp(*static_cast<svm::Vmcb*>(allocate_page()));
    for (;;) {
        const u32 vector = wait_for_startup(lp);
        Log() << "lp " << lp.index << " starts at " << Hex{u64{vector} << 12};
        set_intercepts(vp.vmcb);
        set_started_state(vp, vector);
        run_until_init(lp, vp);
        Log() << "lp " << lp.index << " init";
        reset_root_apic(lp);
    }
}

} // namespace mshv::standin
