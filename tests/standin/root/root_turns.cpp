// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/root/root_turns.hpp"

#include "tests/standin/cpu/instructions.hpp"
#include "tests/standin/hypercall/dispatcher.hpp"
#include "tests/standin/lp/clock.hpp"
#include "tests/standin/lp/grace.hpp"
#include "tests/standin/lp/hold.hpp"
#include "tests/standin/lp/local_apic.hpp"
#include "tests/standin/lp/lp_timers.hpp"
#include "tests/standin/root/root_exits.hpp"
#include "tests/standin/vp/run_queues.hpp"
#include "tests/standin/vp/scheduling.hpp"

namespace mshv::standin::root_turns {
namespace {

constinit Timer ends_of_turns[max_lps];

u64 on_end_of_turn(Timer&, u64) {
    this_lp().turns.end();
    return never;
}

void set_end_of_turn(Lp& lp, u64 moment) {
    Timer& timer = ends_of_turns[lp.index];
    timer.expired = on_end_of_turn;
    lp_timers::set(lp, timer, moment);
}

/// Something is asked of this processor that is not about turns.
bool is_called(const Lp& lp) {
    return !lp.mailbox.empty() || hold::is_on() ||
           __atomic_load_n(&lp.nmi_for_root, __ATOMIC_SEQ_CST);
}

bool takes_interrupts(const VirtualProcessor& root) {
    return (root.vmcb.rflags & rflags::interrupts_on) != 0;
}

/// An interrupt that the root has not ended would hold back others, and the end of a child's turn.
bool may_leave(const VirtualProcessor& root) {
    return takes_interrupts(root) && root.vmcb.interrupt_shadow == 0 &&
           root.vmcb.event_injection == 0 && root.interrupts.size() == 0 &&
           !local_apic::is_any_in_service();
}

/// Ends the root's HLT when there is something for it.
void look_after_root(Lp& lp, const VirtualProcessor& root) {
    if (!lp.turns.root_is_halted()) {
        return;
    }
    const u32 vector = local_apic::highest_requested();
    if ((vector != 0 && vector != local_apic::own_vector) || root.interrupts.size() != 0 ||
        root.vmcb.event_injection != 0 || __atomic_load_n(&lp.nmi_for_root, __ATOMIC_SEQ_CST)) {
        lp.turns.wake_root();
    }
}

/// Sees to it that the root's turn ends when there are others.
void begin_root_turn(Lp& lp) {
    if (run_queues::is_empty(lp)) {
        lp.turns.root_is_alone();
    } else if (ends_of_turns[lp.index].deadline == never) {
        set_end_of_turn(lp, clock::now() + lp.turns.root_turn());
    }
}

void give_turn(Lp& lp, ChildVp& vp) {
    const Guard guard(vp.lock);
    if (run_queues::is_suspended(vp)) {
        return;
    }
    lp.turns.begin_child();
    const u64 begin = clock::now();
    set_end_of_turn(lp, begin + vp.left);
    const scheduling::Dispatched end = scheduling::run_here(lp, vp, hypercall::dispatch);
    set_end_of_turn(lp, never);
    const bool goes_on =
        end.state == scheduling::State::ready && end.event == scheduling::Event::none;
    if (goes_on && !lp.turns.is_over() && !is_called(lp)) {
        lp.turns.wake_root(); // by an interrupt, which may be one that its APIC does not show
    }
    const bool first = lp.turns.end_child(vp.left, clock::now() - begin);
    if (end.event == scheduling::Event::intercept) {
        vp.left = Turns::longest;
        scheduling::tell_root(vp);
    } else if (goes_on) {
        run_queues::put_back(lp, vp, first);
    }
}

/// Until an interrupt or a kick. What it brings is looked at by the caller.
void wait(Lp& lp, VirtualProcessor& root) {
    __atomic_store_n(&lp.nmi_came, 0, __ATOMIC_SEQ_CST);
    if (is_called(lp) || (!run_queues::is_empty(lp) && may_leave(root))) {
        return;
    }
    if (__atomic_load_n(&lp.kicked, __ATOMIC_SEQ_CST)) {
        kick_self(lp); // its NMI may have been lost at the last exit
        return;
    }
    {
        const Idle idle(lp);
        wait_while_zero(lp.nmi_came);
    }
    lp.counters.last_change = clock::now(); // nobody's time
    if (!lp_timers::end_own_interrupt(lp)) {
        queue_taken(lp, root);
    }
}

/// Who is next: true when that was not the root's VP.
bool run_other(Lp& lp, VirtualProcessor& root) {
    look_after_root(lp, root);
    const bool asks = lp.turns.root_is_halted() || lp.turns.is_over();
    switch (lp.turns.next(!run_queues::is_empty(lp), asks && may_leave(root))) {
    case Turns::Next::child:
        if (ChildVp* const vp = run_queues::take(lp)) {
            give_turn(lp, *vp);
            queue_taken(lp, root); // beside what has ended the turn
        }
        return true;
    case Turns::Next::nobody:
        wait(lp, root);
        return true;
    case Turns::Next::root:
        break;
    }
    return false;
}

} // namespace

void run_others(Lp& lp, VirtualProcessor& root) {
    if (!run_queues::are_in_use()) {
        return;
    }
    if (takes_interrupts(root)) {
        root.traps_halt = true;
        run_queues::open(lp);
    }
    while (!is_called(lp) && run_other(lp, root)) {
    }
    look_after_root(lp, root);
    if (!lp.turns.root_is_halted()) {
        begin_root_turn(lp);
    }
}

bool are_due(const Lp& lp) {
    return run_queues::are_in_use() &&
           (lp.turns.root_is_halted() ||
            (!run_queues::is_empty(lp) && ends_of_turns[lp.index].deadline == never));
}

/// One that takes no interrupts is left alone with it: it waits for an NMI, or for INIT.
void on_root_halt(Lp& lp, VirtualProcessor& root) {
    if (run_queues::are_in_use() && root.interrupts.size() == 0) {
        if (!takes_interrupts(root)) {
            end(lp);
            root.traps_halt = false;
            return;
        }
        lp.turns.halt_root();
    }
    root.skip(1);
}

void end(Lp& lp) {
    if (run_queues::are_in_use()) {
        lp.turns = {};
        run_queues::close(lp);
    }
}

} // namespace mshv::standin::root_turns
