// SPDX-License-Identifier: Apache-2.0
//
// Partitions and their properties. Source of the layouts: Linux's include/hyperv/hvhdk.h.
#include "tests/standin/hypercall/target.hpp"
#include "tests/standin/lifecycle/lifecycle.hpp"
#include "tests/standin/lifecycle/properties.hpp"

namespace mshv::standin::hypercall {
namespace {

/// { u64 flags, u64 proximity, u32 version, u32, u64 disabled features × 2, u64 disabled xsave,
///   u64 isolation } -> { u64 id }
Status create_partition(Call& call) {
    constexpr u64 isolation_type = 0x1F;
    if ((call.in<u64>(48) & isolation_type) != 0) {
        return Status::operation_denied;
    }
    Status status = Status::success;
    ChildPartition* const child =
        lifecycle::create(call.caller, call.in<u64>(0), call.form.code, status);
    if (child == nullptr) {
        return status;
    }
    child->disabled_features[0] = call.in<u64>(24);
    child->disabled_features[1] = call.in<u64>(32);
    child->disabled_xsave = call.in<u64>(40);
    call.out<u64>(0, child->id);
    return Status::success;
}

template <Status (*act)(ChildPartition&)>
Status on_child(Call& call) {
    Status status = Status::success;
    ChildPartition* const child = target_child(call, status);
    return child == nullptr ? status : act(*child);
}

/// { u64 partition, u32 property, u32 } -> { u64 value }
Status get_property(Call& call) {
    const u64 id = call.in<u64>(0);
    u64 value = 0;
    Status status = Status::success;
    if (id == self_partition || id == call.caller.id) {
        status = properties::get_of_root(call.in<u32>(8), value);
    } else if (const ChildPartition* const child = target_child(call, status)) {
        status = properties::get(*child, call.in<u32>(8), value);
    }
    if (status == Status::success) {
        call.out<u64>(0, value);
    }
    return status;
}

/// { u64 partition, u32 property, u32, u64 value }
Status set_property(Call& call) {
    Status status = Status::success;
    ChildPartition* const child = target_child(call, status);
    return child == nullptr ? status : properties::set(*child, call.in<u32>(8), call.in<u64>(16));
}

/// { u64 partition, u32 property, u32, u64 argument } -> { u64 × 2 }
Status get_property_ex(Call& call) {
    u64 values[2] = {};
    const Status status = properties::get_extended(call.in<u32>(8), values);
    if (status == Status::success) {
        call.out<u64>(0, values[0]);
        call.out<u64>(8, values[1]);
    }
    return status;
}

constexpr u64 parent = privilege::create_partitions;
constexpr Entry entries[] = {
    {{0x40, "create_partition", false, false, 56, 0, 0, 8}, parent, create_partition},
    {{0x41, "initialize_partition", false, false, 8, 0, 0, 0},
     parent,
     on_child<lifecycle::initialize>},
    {{0x42, "finalize_partition", false, false, 8, 0, 0, 0}, parent, on_child<lifecycle::finalize>},
    {{0x43, "delete_partition", false, false, 8, 0, 0, 0}, parent, on_child<lifecycle::remove>},
    {{0x44, "get_partition_property", false, false, 16, 0, 0, 8}, parent, get_property},
    {{0x45, "set_partition_property", false, false, 24, 0, 0, 0},
     parent,
     set_property,
     MayPend::for_child},
    {{0x101, "get_partition_property_ex", false, false, 24, 0, 0, 16}, parent, get_property_ex},
};

} // namespace

std::span<const Entry> partition_calls() {
    return entries;
}

} // namespace mshv::standin::hypercall
