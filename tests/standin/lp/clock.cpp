// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/lp/clock.hpp"

#include "tests/standin/console/log.hpp"
#include "tests/standin/cpu/instructions.hpp"
#include "tests/standin/lp/local_apic.hpp"

namespace mshv::standin::clock {
namespace {

constexpr u64 pm_timer_hz = 3'579'545;
constexpr u64 measured_ticks = pm_timer_hz / 10;

u64 tsc_rate = 0;
u64 apic_rate = 0;
constinit ReferenceTime time;

struct Moment {
    u64 pm, tsc, apic;
};

/// The three counters at one moment: of several tries the one that was interrupted least.
Moment read_moment(u16 port) {
    Moment best{};
    u64 shortest = ~0ULL;
    for (int i = 0; i < 32; ++i) {
        const u64 before = read_tsc();
        const u64 pm = in32(port);
        const u64 apic = local_apic::read(local_apic::reg::timer_current);
        const u64 length = read_tsc() - before;
        if (length < shortest) {
            shortest = length;
            best = {pm, before + length / 2, apic};
        }
    }
    return best;
}

} // namespace

void start(u32 port, bool wide) {
    if (port == 0) {
        panic("no ACPI timer");
    }
    namespace reg = local_apic::reg;
    const u64 mask = wide ? 0xFFFFFFFF : 0xFFFFFF;
    local_apic::write(reg::timer_divide, local_apic::divide_by_one);
    local_apic::write(reg::timer_lvt, local_apic::lvt_masked);
    local_apic::write(reg::timer_initial, 0xFFFFFFFF);
    const Moment first = read_moment(static_cast<u16>(port));
    Moment last = first;
    while (((last.pm - first.pm) & mask) < measured_ticks) {
        last = read_moment(static_cast<u16>(port));
    }
    local_apic::write(reg::timer_initial, 0);
    const u64 ticks = (last.pm - first.pm) & mask;
    tsc_rate = multiply_divide(last.tsc - first.tsc, pm_timer_hz, ticks);
    apic_rate = multiply_divide(first.apic - last.apic, pm_timer_hz, ticks);
    time = ReferenceTime::from(tsc_rate, read_tsc());
    Log() << "clock tsc " << tsc_rate << " apic " << apic_rate;
}

u64 tsc_hz() {
    return tsc_rate;
}
u64 apic_timer_hz() {
    return apic_rate;
}
const ReferenceTime& reference() {
    return time;
}
u64 now() {
    return time.at(read_tsc());
}

} // namespace mshv::standin::clock
