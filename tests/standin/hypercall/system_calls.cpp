// SPDX-License-Identifier: Apache-2.0
//
// What is asked of the machine as a whole. Source of the layouts: TLFS and Linux's
// include/asm-generic/hyperv-tlfs.h.
#include "tests/standin/console/log.hpp"
#include "tests/standin/hypercall/dispatcher.hpp"
#include "tests/standin/partition/power.hpp"
#include "tests/standin/vp/run_queues.hpp"

namespace mshv::standin::hypercall {
namespace {

constexpr u32 property_sleep_state = 3;
constexpr u32 property_scheduler = 15;
constexpr u32 processor_scheduler = 2; // that knows of threads, of which there are none
constexpr u32 root_scheduler = 4;
constexpr u32 soft_off = 5;

/// -> { u64 id }
Status get_partition_id(Call& call) {
    call.out<u64>(0, call.caller.id);
    return Status::success;
}

/// { u32 property, u32, u64 argument } -> { u64 value }
Status get_system_property(Call& call) {
    if (call.in<u32>(0) != property_scheduler) {
        return Status::unknown_property;
    }
    call.out<u64>(0, run_queues::are_in_use() ? processor_scheduler : root_scheduler);
    return Status::success;
}

/// { u32 property, u32, { u32 state, u8 pm1a, u8 pm1b } }
Status set_system_property(Call& call) {
    if (call.in<u32>(0) != property_sleep_state || call.in<u32>(8) != soft_off) {
        return Status::invalid_parameter;
    }
    power::set_soft_off(call.in<u8>(12), call.in<u8>(13));
    return Status::success;
}

/// { u32 state }; does not return when the machine does as it is told.
Status enter_sleep_state(Call& call) {
    return call.in<u32>(0) == soft_off && power::off() ? Status::success
                                                       : Status::invalid_parameter;
}

/// { u32 event, u32 }
Status notify_partition_event(Call& call) {
    Log() << "partition " << call.caller.id << " event " << call.in<u32>(0);
    report_partitions();
    return Status::success;
}

Status notify_long_spin_wait(Call&) {
    return Status::success;
}

constexpr Entry entries[] = {
    {{0x08, "notify_long_spin_wait", false, false, 8, 0, 0, 0}, privilege::none,
     notify_long_spin_wait},
    {{0x46, "get_partition_id", false, false, 0, 0, 0, 8}, privilege::access_partition_id,
     get_partition_id},
    {{0x6F, "set_system_property", false, false, 14, 0, 0, 0}, privilege::cpu_management,
     set_system_property},
    {{0x7B, "get_system_property", false, false, 16, 0, 0, 8}, privilege::cpu_management,
     get_system_property},
    {{0x84, "enter_sleep_state", false, false, 4, 0, 0, 0}, privilege::cpu_management,
     enter_sleep_state},
    {{0x87, "notify_partition_event", false, false, 8, 0, 0, 0}, privilege::none,
     notify_partition_event},
};

} // namespace

std::span<const Entry> system_calls() {
    return entries;
}

} // namespace mshv::standin::hypercall
