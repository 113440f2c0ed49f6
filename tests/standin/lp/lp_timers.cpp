// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/lp/lp_timers.hpp"

#include "tests/standin/lp/clock.hpp"
#include "tests/standin/lp/local_apic.hpp"

namespace mshv::standin::lp_timers {
namespace {

void program(Lp& lp) {
    namespace reg = local_apic::reg;
    const u64 first = lp.timers.first();
    lp.timer_target = first;
    if (first == never) {
        local_apic::write(reg::timer_initial, 0);
        return;
    }
    local_apic::write(reg::timer_divide, local_apic::divide_by_one);
    local_apic::write(reg::timer_lvt, local_apic::own_vector); // one-shot
    local_apic::write(reg::timer_initial, countdown(clock::now(), first, clock::apic_timer_hz()));
}

Timer* take(Lp& lp, u64 now) {
    const Guard guard(lp.timers_lock);
    return lp.timers.take(now);
}

} // namespace

void set(Lp& lp, Timer& timer, u64 deadline) {
    const Guard guard(lp.timers_lock);
    lp.timers.set(timer, deadline);
    if (lp.timers.first() != lp.timer_target) {
        program(lp);
    }
}

void cancel(Lp& lp, Timer& timer) {
    const Guard guard(lp.timers_lock);
    lp.timers.set(timer, never);
}

bool end_own_interrupt(Lp& lp) {
    if (lp.taken_vector != local_apic::own_vector) {
        return false;
    }
    lp.taken_vector = 0;
    local_apic::write(local_apic::reg::eoi, 0);
    const u64 now = clock::now();
    while (Timer* const timer = take(lp, now)) {
        const u64 next = timer->expired(*timer, now);
        if (next != never) { // otherwise it may be another processor's by now
            const Guard guard(lp.timers_lock);
            lp.timers.set(*timer, next);
        }
    }
    const Guard guard(lp.timers_lock);
    if (lp.timer_target != never || lp.timers.first() != never) {
        program(lp); // it came early, or there is a next
    }
    return true;
}

void restore(Lp& lp) {
    const Guard guard(lp.timers_lock);
    program(lp);
}

} // namespace mshv::standin::lp_timers
