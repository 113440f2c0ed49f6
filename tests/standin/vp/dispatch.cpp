// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/console/log.hpp"
#include "tests/standin/cpu/instructions.hpp"
#include "tests/standin/lp/clock.hpp"
#include "tests/standin/lp/hold.hpp"
#include "tests/standin/lp/local_apic.hpp"
#include "tests/standin/lp/lp_timers.hpp"
#include "tests/standin/partition/statistics.hpp"
#include "tests/standin/svm/processor.hpp"
#include "tests/standin/vp/child_exits.hpp"
#include "tests/standin/vp/eoi_assist.hpp"
#include "tests/standin/vp/extended_state.hpp"
#include "tests/standin/vp/injection.hpp"
#include "tests/standin/vp/register_page.hpp"
#include "tests/standin/vp/scheduling.hpp"
#include "tests/standin/vp/trapping.hpp"

namespace mshv::standin::scheduling {
namespace {

constexpr Dispatched root_is_wanted{};

/// One dispatch of a VP: while it lasts, its state is in this processor.
class Run {
public:
    Run(Lp& lp, ChildVp& vp, OnCall on_call) : lp_(lp), vp_(vp), on_call_(on_call) {
        vp_.last_lp = lp_.index;
        __atomic_store_n(&vp_.running_on, &lp_, __ATOMIC_SEQ_CST);
        trapping::set_tables(vp_);
        lp_.presence.forget(); // translations of another VP with the same address-space number
        extended_state::load_child(lp_, vp_.context);
    }
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;
    ~Run() {
        extended_state::load_root(lp_, vp_.context);
        if (vp_.dead) {
            vp_.clockwork.disarm();
        } else {
            vp_.clockwork.arm(lp_, vp_);
        }
        __atomic_store_n(&vp_.running_on, static_cast<Lp*>(nullptr), __ATOMIC_SEQ_CST);
    }

    Dispatched loop();

private:
    bool look_around(Dispatched& end);
    void let_others_in();
    bool block(Dispatched& end);
    [[nodiscard]] bool root_is_called() const;
    bool after_exit(Dispatched& end);
    bool root_has_interrupt();

    Lp& lp_;
    ChildVp& vp_;
    OnCall on_call_;
};

/// Those who wait for the VP's state get it between two entries.
void Run::let_others_in() {
    extended_state::load_root(lp_, vp_.context);
    while (__atomic_load_n(&vp_.waiters, __ATOMIC_SEQ_CST) != 0) {
        vp_.lock.unlock();
        pause();
        vp_.lock.lock();
    }
    extended_state::load_child(lp_, vp_.context);
}

/// Something is asked of this processor that only the root's VP can give, or the VP's turn is over.
bool Run::root_is_called() const {
    return lp_.turns.is_over() || !lp_.mailbox.empty() || hold::is_on() ||
           __atomic_load_n(&lp_.nmi_for_root, __ATOMIC_SEQ_CST);
}

/// True when the dispatch ends here.
bool Run::look_around(Dispatched& end) {
    const u32 requests = __atomic_exchange_n(&vp_.requests, 0, __ATOMIC_SEQ_CST);
    if ((requests & request::attention) != 0) {
        let_others_in();
    }
    if (vp_.dead || vp_.dispatch_suspended || vp_.explicit_suspended || vp_.intercept_suspended) {
        vp_.suspend_told = !vp_.dead && vp_.explicit_suspended;
        end = {Status::success, State::blocked, Event::suspend};
        return true;
    }
    register_page::take_interrupts(vp_);
    vp_.clockwork.expire(vp_);
    eoi_assist::settle(vp_);
    injection::take_init_and_startup(vp_);
    if (root_is_called()) {
        end = root_is_wanted;
        return true;
    }
    return vp_.activity != ChildVp::Activity::running && block(end);
}

/// True when nothing wakes the VP, and the root knows it. What comes from here on finds it blocked.
bool Run::block(Dispatched& end) {
    if (!injection::wakes(vp_)) {
        vp_.clockwork.arm(lp_, vp_);
        stats::set_blocked(vp_, true);
        __atomic_store_n(&vp_.blocked, true, __ATOMIC_SEQ_CST);
        const bool is_awake =
            injection::wakes(vp_) || __atomic_load_n(&vp_.requests, __ATOMIC_SEQ_CST) != 0;
        if (!is_awake || !__atomic_exchange_n(&vp_.blocked, false, __ATOMIC_SEQ_CST)) {
            end = {Status::success, State::blocked, Event::none};
            return true;
        }
        stats::set_blocked(vp_, false);
    }
    if (vp_.activity == ChildVp::Activity::halted && injection::wakes(vp_)) {
        vp_.activity = ChildVp::Activity::running;
    }
    return false;
}

/// The hypervisor's own interrupts are taken here; those of the root stay where they are until the
/// root runs, but for one that came between the look and the taking: the root gets it behind this
/// call. True when there is one. What the APIC does not know comes from the old controllers.
bool Run::root_has_interrupt() {
    const bool is_interrupt = vp_.cpu.vmcb.exit_code == static_cast<u64>(svm::Exit::intr);
    if (is_interrupt && local_apic::highest_requested() == 0) {
        return true;
    }
    for (;;) {
        const u32 vector = local_apic::highest_requested();
        if (vector != local_apic::own_vector) {
            return vector != 0;
        }
        take_interrupt();
        if (!lp_timers::end_own_interrupt(lp_)) {
            return lp_.taken_vector != 0;
        }
    }
}

bool Run::after_exit(Dispatched& end) {
    switch (on_child_exit(vp_, on_call_)) {
    case Outcome::go_on:
        return false;
    case Outcome::intercepted:
        end = {Status::success, State::ready, Event::intercept};
        return true;
    case Outcome::interrupted:
        break;
    }
    end = root_is_wanted;
    return root_has_interrupt();
}

Dispatched Run::loop() {
    Dispatched end;
    for (;;) {
        if (look_around(end)) {
            return end;
        }
        if (vp_.activity != ChildVp::Activity::running) {
            continue;
        }
        vp_.clockwork.arm(lp_, vp_);
        injection::prepare(vp_);
        hold_all_interrupts();
        if (__atomic_load_n(&vp_.requests, __ATOMIC_SEQ_CST) != 0 || root_is_called()) {
            let_interrupts_go();
            injection::withdraw(vp_);
            continue;
        }
        vp_.partition.tsc.on_run();
        stats::on_entry(lp_, vp_);
        svm::enter(lp_, vp_.cpu);
        stats::on_exit(lp_, vp_, static_cast<svm::Exit>(vp_.cpu.vmcb.exit_code));
        injection::recover(vp_);
        if (after_exit(end)) {
            return end;
        }
    }
}

} // namespace

Dispatched dispatch(Lp& lp, ChildVp& vp, u32 flags, OnCall on_call) {
    if (__atomic_load_n(&vp.running_on, __ATOMIC_SEQ_CST) != nullptr) {
        return {Status::invalid_vp_state};
    }
    const Guard guard(vp.lock);
    if (vp.dead) {
        return {Status::invalid_vp_state};
    }
    if ((flags & clear_intercept_suspend) != 0 && vp.intercept_suspended) {
        vp.intercept_suspended = false;
        register_page::apply(vp);
    }
    if (vp.intercept_suspended) {
        return {Status::success, State::ready, Event::intercept};
    }
    return run_here(lp, vp, on_call);
}

Dispatched run_here(Lp& lp, ChildVp& vp, OnCall on_call) {
    if (__atomic_exchange_n(&vp.blocked, false, __ATOMIC_SEQ_CST)) {
        stats::set_blocked(vp, false);
    }
    Dispatched end;
    {
        Run run(lp, vp, on_call);
        end = run.loop();
    }
    if (vp.intercept_suspended) {
        register_page::fill(vp);
    }
    return end;
}

} // namespace mshv::standin::scheduling
