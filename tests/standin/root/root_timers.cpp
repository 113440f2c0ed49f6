// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/root/root_timers.hpp"

#include "tests/standin/lp/clock.hpp"
#include "tests/standin/lp/local_apic.hpp"
#include "tests/standin/lp/lp_timers.hpp"
#include "tests/standin/partition/synic_delivery.hpp"
#include "tests/standin/root/root_partition.hpp"
#include "tests/standin/timer/apic_timer.hpp"

namespace mshv::standin {
namespace {

namespace reg = local_apic::reg;

struct Entry : Timer {
    ApicTimer state;
};
constinit Entry apic_timers[max_lps];

void interrupt(u32 vector) {
    constexpr u32 first_legal = 16; // the APIC sends none below
    if (vector >= first_legal) {
        local_apic::send_self(vector);
    }
}

void on_synthetic(u32, u32 vector) {
    interrupt(vector);
}

bool on_synthetic_message(u32 vp, u32 sint, const TimerExpired& payload) {
    const auto message = synic::make_message(synic::message_type::timer_expired, 0, payload);
    return synic::post(root_partition(), vp, sint, message) != synic::Posted::no_room;
}

u64 on_expiry(Timer& timer, u64 now) {
    Entry& entry = static_cast<Entry&>(timer);
    if (entry.state.expire(now)) {
        interrupt(entry.state.vector());
    }
    return entry.state.deadline();
}

} // namespace

void make_root_timers(const Lp& lp, Vp& vp) {
    apic_timers[lp.index].expired = on_expiry;
    apic_timers[lp.index].state = ApicTimer(clock::apic_timer_hz());
    vp.timers.connect(lp.index, {on_synthetic, on_synthetic_message});
}

void reset_root_timers(Lp& lp) {
    Entry& entry = apic_timers[lp.index];
    entry.state = ApicTimer(clock::apic_timer_hz());
    lp_timers::set(lp, entry, never);
    root_vp(lp.index).timers.reset(lp);
}

bool is_root_timer_register(u32 where) {
    return where == reg::timer_lvt || where == reg::timer_initial || where == reg::timer_current ||
           where == reg::timer_divide;
}

u32 read_root_timer(Lp& lp, u32 where) {
    const ApicTimer& timer = apic_timers[lp.index].state;
    switch (where) {
    case reg::timer_lvt:
        return timer.lvt();
    case reg::timer_initial:
        return timer.initial();
    case reg::timer_divide:
        return timer.divide();
    default:
        return timer.current(clock::now());
    }
}

void write_root_timer(Lp& lp, u32 where, u32 value) {
    Entry& entry = apic_timers[lp.index];
    const u64 now = clock::now();
    on_expiry(entry, now); // came before this was written
    switch (where) {
    case reg::timer_lvt:
        entry.state.write_lvt(value, now);
        break;
    case reg::timer_initial:
        entry.state.write_initial(value, now);
        break;
    case reg::timer_divide:
        entry.state.write_divide(value, now);
        break;
    default: // the current count is read only
        break;
    }
    lp_timers::set(lp, entry, entry.state.deadline());
}

void mask_root_timer(Lp& lp) {
    write_root_timer(lp, reg::timer_lvt,
                     apic_timers[lp.index].state.lvt() | local_apic::lvt_masked);
}

} // namespace mshv::standin
