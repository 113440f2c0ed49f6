// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/vp/child_timers.hpp"

#include "tests/standin/lp/clock.hpp"
#include "tests/standin/lp/lp_timers.hpp"
#include "tests/standin/partition/synic_delivery.hpp"
#include "tests/standin/tlfs/msr.hpp"
#include "tests/standin/vp/child_vp.hpp"
#include "tests/standin/vp/scheduling.hpp"

namespace mshv::standin {

u64 ChildTimers::read(u32 number) const {
    const SyntheticTimer& timer = timers_[hv_msr::timer_of(number)];
    return hv_msr::is_timer_count(number) ? timer.count() : timer.config();
}

bool ChildTimers::write(u32 number, u64 value, u64 now) {
    const u32 index = hv_msr::timer_of(number);
    refused_[index] = false;
    if (!hv_msr::is_timer_count(number)) {
        return timers_[index].write_config(value, now);
    }
    timers_[index].write_count(value, now);
    return true;
}

void ChildTimers::reset() {
    for (u32 i = 0; i < count; ++i) {
        timers_[i] = SyntheticTimer();
        refused_[i] = false;
    }
}

void ChildTimers::tell(ChildVp& vp, u32 index) {
    if (timers_[index].direct()) {
        (void)vp.apic.post(timers_[index].vector(), false);
        return;
    }
    const TimerExpired payload{index, 0, expiration_[index], vp.partition.time.at(clock::now())};
    const synic::Posted posted =
        synic::post(vp.partition, vp.index, timers_[index].sint(),
                    synic::make_message(synic::message_type::timer_expired, 0, payload));
    refused_[index] = posted == synic::Posted::no_room;
}

void ChildTimers::expire(ChildVp& vp) {
    const u64 now = clock::now();
    (void)vp.apic.expire_timer(now);
    if (vp.partition.time.frozen()) {
        return;
    }
    for (u32 i = 0; i < count; ++i) {
        if (timers_[i].expire(vp.partition.time.at(now), expiration_[i]) || refused_[i]) {
            tell(vp, i);
        }
    }
}

u64 ChildTimers::first(const ChildVp& vp) const {
    u64 earliest = vp.apic.timer_deadline();
    for (const SyntheticTimer& timer : timers_) {
        if (timer.deadline() == never || vp.partition.time.frozen()) {
            continue;
        }
        const u64 due = vp.partition.time.machine_time(timer.deadline());
        earliest = due < earliest ? due : earliest;
    }
    return earliest;
}

void ChildTimers::arm(Lp& lp, ChildVp& vp) {
    const u64 due = first(vp);
    if (armed_on_ == &lp && wake_.deadline == due) {
        return;
    }
    disarm();
    if (due != never) {
        wake_.expired = on_wake;
        wake_.vp = &vp;
        armed_on_ = &lp;
        lp_timers::set(lp, wake_, due);
    }
}

void ChildTimers::disarm() {
    if (armed_on_ != nullptr) {
        lp_timers::cancel(*armed_on_, wake_);
        armed_on_ = nullptr;
    }
}

/// The VP itself looks what is due.
u64 ChildTimers::on_wake(Timer& timer, u64) {
    scheduling::notify(*static_cast<Wake&>(timer).vp, request::scan);
    return never;
}

} // namespace mshv::standin
