// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/partition/vp_timers.hpp"

#include "tests/standin/lp/clock.hpp"
#include "tests/standin/lp/lp_timers.hpp"
#include "tests/standin/tlfs/msr.hpp"

namespace mshv::standin {

void VpTimers::connect(u32 vp, const TimerOutput& output) {
    vp_ = vp;
    output_ = output;
    for (u32 i = 0; i < count; ++i) {
        entries_[i].expired = on_expiry;
        entries_[i].state = SyntheticTimer(output.message != nullptr);
        entries_[i].owner = this;
        entries_[i].index = i;
    }
}

u64 VpTimers::read(u32 number) const {
    const SyntheticTimer& timer = entries_[hv_msr::timer_of(number)].state;
    return hv_msr::is_timer_count(number) ? timer.count() : timer.config();
}

bool VpTimers::write(Lp& lp, u32 number, u64 value) {
    Entry& entry = entries_[hv_msr::timer_of(number)];
    const u64 now = clock::now();
    if (hv_msr::is_timer_count(number)) {
        entry.state.write_count(value, now);
    } else if (!entry.state.write_config(value, now)) {
        return false;
    }
    entry.refused = false;
    lp_timers::set(lp, entry, entry.state.deadline());
    return true;
}

void VpTimers::reset(Lp& lp) {
    for (Entry& entry : entries_) {
        entry.state = SyntheticTimer(output_.message != nullptr);
        entry.refused = false;
        lp_timers::set(lp, entry, never);
    }
}

u64 VpTimers::on_expiry(Timer& timer, u64 now) {
    Entry& entry = static_cast<Entry&>(timer);
    if (!entry.state.expire(now, entry.expiration)) {
        return entry.state.deadline();
    }
    if (entry.state.direct()) {
        entry.owner->output_.interrupt(entry.owner->vp_, entry.state.vector());
    } else {
        entry.owner->post(entry);
    }
    return entry.state.deadline();
}

/// Of several that a SINT refuses the last one remains.
void VpTimers::post(Entry& entry) {
    const TimerExpired payload{entry.index, 0, entry.expiration, clock::now()};
    entry.refused = !output_.message(vp_, entry.state.sint(), payload);
}

void VpTimers::retry_messages() {
    for (Entry& entry : entries_) {
        if (entry.refused) {
            post(entry);
        }
    }
}

} // namespace mshv::standin
