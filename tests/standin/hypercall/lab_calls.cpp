// SPDX-License-Identifier: Apache-2.0
//
// Calls that no other hypervisor has, by which a test in the root brings about what otherwise only
// a child would. They exist with the boot option `lab`, for the root alone.
#include "tests/standin/hypercall/dispatcher.hpp"
#include "tests/standin/hypercall/posted.hpp"
#include "tests/standin/partition/synic_delivery.hpp"

namespace mshv::standin::hypercall {
namespace {

bool is_target(const Call& call, u32 vp, u32 sint) {
    return vp < max_vps && call.caller.vps[vp] != nullptr && sint < synic::sint_count;
}

/// Does nothing; may be told to do it later.
Status lab_nothing(Call&) {
    return Status::success;
}

/// { u32 vp, u32 sint, u32 type, u32 size, u8[240] payload } -> { u64 1 = delivered, 0 = queued }
Status lab_post_message(Call& call) {
    const u32 type = call.in<u32>(8);
    const u32 size = call.in<u32>(12);
    if (!is_target(call, call.in<u32>(0), call.in<u32>(4)) || type == synic::message_type::none ||
        size > sizeof(synic::Message::payload)) {
        return Status::invalid_parameter;
    }
    synic::Message message;
    message.type = type;
    message.size = static_cast<u8>(size);
    message.sender = call.caller.id;
    __builtin_memcpy(message.payload, call.input + 16, size);
    const synic::Posted posted =
        synic::post(call.caller, call.in<u32>(0), call.in<u32>(4), message);
    call.out<u64>(0, posted == synic::Posted::delivered ? 1 : 0);
    return to_status(posted);
}

/// { u32 vp, u32 sint, u32 flag, u32 }
Status lab_signal_event(Call& call) {
    if (!is_target(call, call.in<u32>(0), call.in<u32>(4)) ||
        call.in<u32>(8) >= synic::Synic::flags_per_sint) {
        return Status::invalid_parameter;
    }
    return synic::signal_event(call.caller, call.in<u32>(0), call.in<u32>(4), call.in<u32>(8))
               ? Status::success
               : Status::invalid_synic_state;
}

/// { u32 vp, u32 sint, u32 port, u32 }
Status lab_ring_doorbell(Call& call) {
    if (!is_target(call, call.in<u32>(0), call.in<u32>(4)) || call.in<u32>(8) == 0) {
        return Status::invalid_parameter;
    }
    return synic::ring_doorbell(call.caller, call.in<u32>(0), call.in<u32>(4), call.in<u32>(8))
               ? Status::success
               : Status::insufficient_buffers;
}

/// { u64 partition } -> { u64 deposited, withdrawn, held, free }
Status lab_read_counters(Call& call) {
    Partition* const partition = find_partition(call.caller, call.in<u64>(0));
    if (partition == nullptr) {
        return Status::invalid_partition_id;
    }
    const Guard guard(partition->lock);
    call.out<u64>(0, partition->pool.deposited());
    call.out<u64>(8, partition->pool.withdrawn());
    call.out<u64>(16, partition->pool.held());
    call.out<u64>(24, partition->pool.free());
    return Status::success;
}

bool allowed = false;

/// What only a root has.
constexpr u64 root_alone = privilege::cpu_management;
constexpr Entry entries[] = {
    {{0x8F00, "lab_nothing", false, false, 0, 0, 0, 0}, root_alone, lab_nothing, MayPend::yes},
    {{0x8F01, "lab_post_message", false, false, 256, 0, 0, 8}, root_alone, lab_post_message},
    {{0x8F02, "lab_signal_event", false, false, 16, 0, 0, 0}, root_alone, lab_signal_event},
    {{0x8F03, "lab_ring_doorbell", false, false, 16, 0, 0, 0}, root_alone, lab_ring_doorbell},
    {{0x8F04, "lab_read_counters", false, false, 8, 0, 0, 32}, root_alone, lab_read_counters},
};

} // namespace

void allow_lab_calls() {
    allowed = true;
}

std::span<const Entry> lab_calls() {
    return allowed ? std::span<const Entry>(entries) : std::span<const Entry>();
}

} // namespace mshv::standin::hypercall
