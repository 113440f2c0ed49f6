// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/partition/synic_delivery.hpp"

#include "tests/standin/faults/injection.hpp"
#include "tests/standin/tlfs/msr.hpp"

namespace mshv::standin::synic {
namespace {

void send(Partition& partition, u32 vp, const Interrupts& interrupts) {
    for (const u8 vector : interrupts) {
        partition.interrupt(partition, vp, vector);
    }
}

} // namespace

Posted post(Partition& partition, u32 vp, u32 sint, const Message& message) {
    Interrupts interrupts;
    if (partition.id == root_partition_id && sint == intercept_sint &&
        faults::sends_unknown_message()) {
        Message unknown;
        unknown.type = message_type::unknown;
        (void)partition.vps[vp]->synic.post(sint, unknown, Delivery::now, interrupts);
    }
    const auto when = faults::holds_message() ? Delivery::later : Delivery::now;
    const Posted posted = partition.vps[vp]->synic.post(sint, message, when, interrupts);
    send(partition, vp, interrupts);
    if (interrupts.begin() != interrupts.end() && faults::repeats_interrupts()) {
        send(partition, vp, interrupts);
    }
    return posted;
}

bool signal_event(Partition& partition, u32 vp, u32 sint, u32 flag) {
    Interrupts interrupts;
    const bool done = partition.vps[vp]->synic.signal_event(sint, flag, interrupts);
    send(partition, vp, interrupts);
    return done;
}

bool ring_doorbell(Partition& partition, u32 vp, u32 sint, u32 port) {
    Interrupts interrupts;
    const bool done = partition.vps[vp]->synic.ring_doorbell(sint, port, interrupts);
    send(partition, vp, interrupts);
    return done;
}

void on_ring_empty(Partition& partition, u32 vp, u32 sint) {
    Interrupts interrupts;
    partition.vps[vp]->synic.on_ring_empty(sint, interrupts);
    send(partition, vp, interrupts);
}

bool write_register(Partition& partition, u32 vp, u32 number, u64 value) {
    if (number == hv_msr::eom && faults::ignores_end_of_message()) {
        return true;
    }
    Interrupts interrupts;
    const bool done = partition.vps[vp]->synic.write(number, value, interrupts);
    send(partition, vp, interrupts);
    if (number == hv_msr::eom) {
        partition.vps[vp]->timers.retry_messages();
    }
    return done;
}

} // namespace mshv::standin::synic
