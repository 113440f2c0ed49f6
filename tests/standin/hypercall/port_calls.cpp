// SPDX-License-Identifier: Apache-2.0
//
// Ports and their connections: doorbells. Source of the layouts: Linux's include/hyperv/hvhdk.h.
#include "tests/standin/hypercall/target.hpp"
#include "tests/standin/partition/deposited_page.hpp"
#include "tests/standin/port/ports.hpp"

namespace mshv::standin::hypercall {
namespace {

constexpr u32 type_doorbell = 4;

bool is_self(const Call& call, u64 id) {
    return id == self_partition || id == call.caller.id;
}

/// Once more with a page, if that is what it lacks.
template <typename Try, typename Give>
Status with_page(Partition& partition, u32 code, Try attempt, Give give) {
    Status status = attempt();
    if (status != Status::insufficient_memory) {
        return status;
    }
    const Guard guard(partition.lock);
    void* const page = take_deposited(partition, code, status);
    if (page == nullptr) {
        return status;
    }
    give(page);
    return attempt();
}

/// { u64 partition, u32 port, u8[4], u64 child, { u32 type, u32, u32 sint, u32 vp, u64 }, u64 }
Status create_port(Call& call) {
    const ports::Port port{call.in<u32>(8) & 0xFFFFFF, call.in<u32>(32), call.in<u32>(36),
                           call.in<u64>(16)};
    if (!is_self(call, call.in<u64>(0))) {
        return Status::invalid_partition_id;
    }
    if (call.in<u32>(24) != type_doorbell || port.sint >= synic::sint_count) {
        return Status::invalid_parameter;
    }
    return with_page(
        call.caller, call.form.code, [&port] { return ports::create(port); }, ports::give);
}

/// { u64 partition, u32 port, u32 }
Status delete_port(Call& call) {
    if (!is_self(call, call.in<u64>(0))) {
        return Status::invalid_partition_id;
    }
    const Status status = ports::remove(call.in<u32>(8) & 0xFFFFFF);
    const Guard guard(call.caller.lock);
    while (void* const page = ports::take_empty_page()) {
        call.caller.pool.put(address_of(page));
    }
    return status;
}

Status to_status(Connections::Added added) {
    switch (added) {
    case Connections::Added::yes:
        return Status::success;
    case Connections::Added::exists:
        return Status::invalid_connection_id;
    case Connections::Added::no_room:
        break;
    }
    return Status::insufficient_memory;
}

/// { u64 child, u32 connection, u8[4], u64 partition, u32 port, u32,
///   { u32 type, u32, u64 gpa, u64 value, u64 flags }, u64 }
Status connect_port(Call& call) {
    Status status = Status::success;
    ChildPartition* const child = target_child(call, status);
    if (child == nullptr) {
        return status;
    }
    const Doorbell doorbell{call.in<u32>(8) & 0xFFFFFF, call.in<u32>(24) & 0xFFFFFF,
                            call.in<u64>(40), call.in<u64>(48), call.in<u32>(56)};
    if (child->state >= ChildPartition::State::finalized) {
        return Status::invalid_partition_state;
    }
    constexpr u32 largest_size = 4;
    ports::Port port;
    if (!is_self(call, call.in<u64>(16)) || !ports::find(doorbell.port, port) ||
        port.child != child->id) {
        return Status::invalid_port_id;
    }
    if (call.in<u32>(32) != type_doorbell ||
        (doorbell.flags & Doorbell::size_mask) > largest_size) {
        return Status::invalid_parameter;
    }
    return with_page(
        *child, call.form.code,
        [child, &doorbell] { return to_status(child->connections.add(doorbell)); },
        [child](void* page) { child->connections.give(page); });
}

/// { u64 child, u32 connection, u32 }
Status disconnect_port(Call& call) {
    Status status = Status::success;
    ChildPartition* const child = target_child(call, status);
    if (child == nullptr) {
        return status;
    }
    return child->connections.remove(call.in<u32>(8) & 0xFFFFFF) ? Status::success
                                                                 : Status::invalid_connection_id;
}

/// A child's own: nobody has connected anything to it.
Status no_connection(Call&) {
    return Status::invalid_connection_id;
}

constexpr u64 parent = privilege::create_partitions;
constexpr Entry entries[] = {
    {{0x58, "delete_port", false, false, 16, 0, 0, 0}, parent, delete_port},
    {{0x5B, "disconnect_port", false, false, 16, 0, 0, 0}, parent, disconnect_port},
    {{0x5C, "post_message", false, false, 16, 0, 0, 0}, privilege::none, no_connection},
    {{0x5D, "signal_event", false, false, 8, 0, 0, 0}, privilege::none, no_connection},
    {{0x95, "create_port", false, false, 56, 0, 0, 0}, parent, create_port},
    {{0x96, "connect_port", false, false, 72, 0, 0, 0}, parent, connect_port},
};

} // namespace

std::span<const Entry> port_calls() {
    return entries;
}

} // namespace mshv::standin::hypercall
