// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/vp/scheduling.hpp"

#include "tests/standin/partition/statistics.hpp"
#include "tests/standin/partition/synic_delivery.hpp"
#include "tests/standin/vp/register_page.hpp"
#include "tests/standin/vp/run_queues.hpp"

namespace mshv::standin {

VpState::VpState(ChildVp& vp) : vp_(vp) {
    __atomic_fetch_add(&vp_.waiters, 1, __ATOMIC_SEQ_CST);
    scheduling::notify(vp_, request::attention);
    vp_.lock.lock();
    __atomic_fetch_sub(&vp_.waiters, 1, __ATOMIC_SEQ_CST);
}

namespace scheduling {
namespace {

/// HVMSG_SCHEDULER_VP_SIGNAL_PAIR.
struct SignalPair {
    static constexpr std::size_t most = 19;
    u32 overflow = 0;
    u8 count = 1;
    u8 reserved[3] = {};
    u64 partitions[most] = {};
    u32 vps[most] = {};
    u32 reserved_too = 0;
};
static_assert(sizeof(SignalPair) == 240);

/// HVMSG_OPAQUE_INTERCEPT: what it is about is in the VP's message page.
struct OpaqueIntercept {
    u32 vp;
};

u32 owed = 0; ///< signals that found no room

synic::Message message_about(const ChildVp& vp) {
    if (run_queues::are_in_use()) {
        return synic::make_message(synic::message_type::opaque_intercept, vp.partition.id,
                                   OpaqueIntercept{vp.index});
    }
    SignalPair pair;
    pair.partitions[0] = vp.partition.id;
    pair.vps[0] = vp.index;
    return synic::make_message(synic::message_type::vp_signal_pair, 0, pair);
}

bool post_to(Partition& root, u32 lp, const synic::Message& message) {
    if (root.vps[lp] == nullptr) {
        return false;
    }
    const synic::Posted posted = synic::post(root, lp, synic::intercept_sint, message);
    return posted == synic::Posted::delivered || posted == synic::Posted::queued;
}

} // namespace

/// To the processor that ran it last; when that one is switched off, or has too many, to another.
void tell_root(ChildVp& vp) {
    const Guard guard(vp.signal_lock);
    if (vp.dispatch_suspended) {
        return;
    }
    const synic::Message message = message_about(vp);
    ++vp.signals; // before the root can count it
    bool posted = post_to(vp.partition.parent, vp.last_lp, message);
    for (u32 lp = 0; !posted && lp < lps().size(); ++lp) {
        posted = post_to(vp.partition.parent, lp, message);
    }
    if (!posted) {
        --vp.signals;
        vp.signal_owed = true;
        __atomic_fetch_add(&owed, 1, __ATOMIC_SEQ_CST);
    }
}

void notify(ChildVp& vp, u32 what) {
    __atomic_fetch_or(&vp.requests, what, __ATOMIC_SEQ_CST);
    Lp* const lp = __atomic_load_n(&vp.running_on, __ATOMIC_SEQ_CST);
    if (lp != nullptr && lp != &this_lp()) {
        kick(*lp);
    }
    if ((what & ~request::attention) != 0 &&
        __atomic_exchange_n(&vp.blocked, false, __ATOMIC_SEQ_CST)) {
        stats::set_blocked(vp, false);
        if (run_queues::are_in_use()) {
            run_queues::add(vp);
        } else {
            tell_root(vp);
        }
    }
}

/// What does not run now, or begins to behind the first step, forgets when it is entered.
void flush(const ChildPartition& partition, u64 vps) {
    const u64 moment = outdate_translations();
    u64 running = 0;
    for (u32 index = 0; index < max_vps; ++index) {
        const ChildVp* const vp = (vps >> index & 1) != 0 ? find_vp(partition, index) : nullptr;
        const Lp* const lp =
            vp != nullptr ? __atomic_load_n(&vp->running_on, __ATOMIC_SEQ_CST) : nullptr;
        running |= lp != nullptr ? 1ULL << lp->index : 0;
    }
    flush_lps(moment, running);
}

void retry_signals() {
    if (__atomic_exchange_n(&owed, 0, __ATOMIC_SEQ_CST) == 0) {
        return;
    }
    for (u32 place = 0; place < children::most; ++place) {
        ChildPartition* const child = children::at_place(place);
        for (u32 index = 0; child != nullptr && index < max_vps; ++index) {
            ChildVp* const vp = find_vp(*child, index);
            if (vp != nullptr && __atomic_exchange_n(&vp->signal_owed, false, __ATOMIC_SEQ_CST)) {
                tell_root(*vp);
            }
        }
    }
}

/// Where the root schedules, its next dispatch sees it.
void set_intercept_suspend(ChildVp& vp, bool suspended) {
    if (vp.intercept_suspended == suspended) {
        return;
    }
    vp.intercept_suspended = suspended;
    if (!run_queues::are_in_use()) {
        return;
    }
    if (suspended) {
        notify(vp, request::suspend);
    } else {
        register_page::apply(vp);
        run_queues::resume(vp);
    }
}

/// The root waits to be told when a VP that it found suspended is not so any more.
void set_explicit_suspend(ChildVp& vp, bool suspended) {
    if (vp.explicit_suspended == suspended) {
        return;
    }
    vp.explicit_suspended = suspended;
    if (suspended) {
        notify(vp, request::suspend);
    } else if (run_queues::are_in_use()) {
        run_queues::resume(vp);
    } else if (vp.suspend_told) {
        vp.suspend_told = false;
        tell_root(vp);
    }
}

/// From here on the root is told nothing more.
void set_dispatch_suspend(ChildVp& vp, bool suspended) {
    const Guard guard(vp.signal_lock);
    vp.dispatch_suspended = suspended;
    __atomic_fetch_or(&vp.requests, request::suspend, __ATOMIC_SEQ_CST);
}

} // namespace scheduling

} // namespace mshv::standin
