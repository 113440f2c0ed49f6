// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/vp/run_queues.hpp"

#include "tests/standin/vp/scheduling.hpp"

namespace mshv::standin::run_queues {
namespace {

/// A processor's.
struct Place {
    RunQueue queue;
    bool open = false; ///< VPs may be queued here
};

constinit Place places[max_lps];
Spinlock lock; ///< of all of them; taken last
bool in_use = false;

/// The lock is held.
u32 home_of(const ChildVp& vp) {
    const auto count = static_cast<u32>(lps().size());
    const auto first = static_cast<u32>((vp.partition.id + vp.index) % count);
    for (u32 i = 0; i < count; ++i) {
        const u32 lp = (first + i) % count;
        if (places[lp].open) {
            return lp;
        }
    }
    return 0;
}

/// Whoever finds its queue empty may be in the root's guest, or wait, for as long as it likes.
/// Others look when the turn that they are in is over. The lock is held.
void put(ChildVp& vp) {
    const u32 home = home_of(vp);
    const bool was_empty = places[home].queue.is_empty();
    places[home].queue.add_last(vp);
    Lp& lp = lps()[home];
    if (was_empty && &lp != &this_lp()) {
        kick(lp);
    }
}

/// What is to wake them there may not come any more: they set it up elsewhere.
void wake_those_of(const Lp& lp) {
    for (u32 place = 0; place < children::most; ++place) {
        ChildPartition* const child = children::at_place(place);
        for (u32 index = 0; child != nullptr && index < max_vps; ++index) {
            ChildVp* const vp = find_vp(*child, index);
            if (vp != nullptr && vp->last_lp == lp.index) {
                scheduling::notify(*vp, request::scan);
            }
        }
    }
}

} // namespace

void start() {
    in_use = true;
}

bool are_in_use() {
    return in_use;
}

void add(ChildVp& vp) {
    const Guard guard(lock);
    if (!vp.dead && !vp.queued) {
        put(vp);
    }
}

/// A processor that runs it looks itself before it goes on.
void resume(ChildVp& vp) {
    if (!is_suspended(vp) && __atomic_load_n(&vp.running_on, __ATOMIC_SEQ_CST) == nullptr) {
        add(vp);
    }
}

void forget(ChildVp& vp) {
    const Guard guard(lock);
    for (Place& place : places) {
        place.queue.remove(vp);
    }
}

bool is_suspended(const ChildVp& vp) {
    return vp.dead || vp.dispatch_suspended || vp.explicit_suspended || vp.intercept_suspended;
}

bool is_empty(const Lp& lp) {
    return places[lp.index].queue.is_empty();
}

ChildVp* take(const Lp& lp) {
    const Guard guard(lock);
    return static_cast<ChildVp*>(places[lp.index].queue.take());
}

void put_back(const Lp& lp, ChildVp& vp, bool first) {
    const Guard guard(lock);
    RunQueue& queue = places[lp.index].queue;
    if (vp.dead) {
        return;
    }
    if (first) {
        queue.add_first(vp);
    } else {
        queue.add_last(vp);
    }
}

void open(const Lp& lp) {
    Place& place = places[lp.index];
    if (!place.open) {
        const Guard guard(lock);
        place.open = true;
    }
}

void close(const Lp& lp) {
    {
        const Guard guard(lock);
        RunQueue rest;
        places[lp.index].open = false;
        while (Runnable* const one = places[lp.index].queue.take()) {
            rest.add_last(*one);
        }
        while (Runnable* const one = rest.take()) {
            put(static_cast<ChildVp&>(*one));
        }
    }
    wake_those_of(lp);
}

} // namespace mshv::standin::run_queues
