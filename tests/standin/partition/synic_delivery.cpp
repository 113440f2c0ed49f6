// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/partition/synic_delivery.hpp"

#include "tests/standin/faults/injection.hpp"
#include "tests/standin/lp/local_apic.hpp"
#include "tests/standin/lp/lp.hpp"
#include "tests/standin/tlfs/msr.hpp"

namespace mshv::standin::synic {
namespace {

/// The root ends its interrupts at the machine's own controllers: so they have to come from there,
/// also those that a processor sends to itself.
void send(u32 vp, const Interrupts& interrupts) {
    for (const u8 vector : interrupts) {
        local_apic::send(lps()[vp].apic_id, vector | local_apic::icr::assert_level);
    }
}

} // namespace

Posted post(Partition& partition, u32 vp, u32 sint, const Message& message) {
    Interrupts interrupts;
    const auto when = faults::holds_message() ? Delivery::later : Delivery::now;
    const Posted posted = partition.vps[vp].synic.post(sint, message, when, interrupts);
    send(vp, interrupts);
    if (interrupts.begin() != interrupts.end() && faults::repeats_interrupts()) {
        send(vp, interrupts);
    }
    return posted;
}

bool signal_event(Partition& partition, u32 vp, u32 sint, u32 flag) {
    Interrupts interrupts;
    const bool done = partition.vps[vp].synic.signal_event(sint, flag, interrupts);
    send(vp, interrupts);
    return done;
}

bool ring_doorbell(Partition& partition, u32 vp, u32 sint, u32 port) {
    Interrupts interrupts;
    const bool done = partition.vps[vp].synic.ring_doorbell(sint, port, interrupts);
    send(vp, interrupts);
    return done;
}

void on_ring_empty(Partition& partition, u32 vp, u32 sint) {
    Interrupts interrupts;
    partition.vps[vp].synic.on_ring_empty(sint, interrupts);
    send(vp, interrupts);
}

bool write_register(Partition& partition, u32 vp, u32 number, u64 value) {
    if (number == hv_msr::eom && faults::ignores_end_of_message()) {
        return true;
    }
    Interrupts interrupts;
    const bool done = partition.vps[vp].synic.write(number, value, interrupts);
    send(vp, interrupts);
    if (number == hv_msr::eom) {
        partition.vps[vp].timers.retry_messages();
    }
    return done;
}

} // namespace mshv::standin::synic
