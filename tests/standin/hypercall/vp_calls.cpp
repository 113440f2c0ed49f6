// SPDX-License-Identifier: Apache-2.0
//
// VPs of children: their existence, their pages, their dispatch. Source of the layouts: Linux's
// include/hyperv/hvhdk.h.
#include "tests/standin/console/log.hpp"
#include "tests/standin/hypercall/target.hpp"
#include "tests/standin/lp/grace.hpp"
#include "tests/standin/vp/creation.hpp"
#include "tests/standin/vp/run_queues.hpp"
#include "tests/standin/vp/scheduling.hpp"

namespace mshv::standin::hypercall {
namespace {

constexpr u16 registers_page = 0;
constexpr u16 message_page = 1;

/// { u64 partition, u32 vp, u32 }
Status delete_vp(Call& call) {
    Status status = Status::success;
    ChildPartition* const child = target_child(call, status);
    if (child == nullptr) {
        return status;
    }
    ChildVp* vp = nullptr;
    {
        const Guard guard(child->lock);
        vp = find_vp(*child, call.in<u32>(8));
        if (vp == nullptr) {
            return Status::invalid_vp_index;
        }
        vp_creation::detach(*vp);
    }
    children::publish_counts(call.caller);
    wait_for_others();
    const Guard guard(child->lock);
    vp_creation::destroy(*vp);
    return Status::success;
}

u8** page_of(ChildVp& vp, u16 type) {
    return type == registers_page ? &vp.register_page
           : type == message_page ? &vp.message_page
                                  : nullptr;
}

/// { u64 partition, u32 vp, u16 type, u8 vtl, u8 flags, u64 place } -> { u64 page number }
Status map_vp_state_page(Call& call) {
    constexpr u8 place_provided = 1;
    Status status = Status::success;
    ChildVp* const vp = target_vp(call, status);
    if (vp == nullptr) {
        return status;
    }
    u8** const page = page_of(*vp, call.in<u16>(12));
    if (page == nullptr || (call.in<u8>(15) & place_provided) != 0) {
        return Status::invalid_parameter;
    }
    const Guard guard(vp->partition.lock);
    if (vp->dead) {
        return Status::invalid_vp_index;
    }
    const u8* const mapped = vp_creation::map_page(*vp, *page, call.form.code, status);
    if (mapped != nullptr) {
        call.out<u64>(0, address_of(mapped) / page_size);
    }
    return status;
}

/// { u64 partition, u32 vp, u16 type, u8 vtl, u8 }
Status unmap_vp_state_page(Call& call) {
    Status status = Status::success;
    ChildVp* const vp = target_vp(call, status);
    if (vp == nullptr) {
        return status;
    }
    u8** const page = page_of(*vp, call.in<u16>(12));
    if (page == nullptr || *page == nullptr) {
        return Status::invalid_parameter;
    }
    const Guard guard(vp->partition.lock);
    const VpState state(*vp);
    vp_creation::unmap_page(*vp, *page);
    return Status::success;
}

/// { u64 partition, u32 vp, u32 flags, u64 time slice, u64 } -> { u32 state, u32 event }
Status dispatch_vp(Call& call) {
    Status status = Status::success;
    ChildVp* const vp = target_vp(call, status);
    if (vp == nullptr) {
        return status;
    }
    if (run_queues::are_in_use()) {
        return Status::operation_denied;
    }
    const scheduling::Dispatched end =
        scheduling::dispatch(this_lp(), *vp, call.in<u32>(12), dispatch);
    if (end.status == Status::success) {
        call.out<u32>(0, static_cast<u32>(end.state));
        call.out<u32>(4, static_cast<u32>(end.event));
    }
    return end.status;
}

constexpr u64 parent = privilege::create_partitions;
constexpr Entry entries[] = {
    {{0x4F, "delete_vp", false, false, 16, 0, 0, 0}, parent, delete_vp},
    {{0xC2, "dispatch_vp", false, false, 32, 0, 0, 8}, parent, dispatch_vp},
    {{0xE1, "map_vp_state_page", false, false, 24, 0, 0, 8}, parent, map_vp_state_page},
    {{0xE2, "unmap_vp_state_page", false, false, 16, 0, 0, 0}, parent, unmap_vp_state_page},
};

} // namespace

Status create_child_vp(Call& call) {
    Status status = Status::success;
    ChildPartition* const child = target_child(call, status);
    const u32 index = call.in<u32>(8);
    if (child == nullptr) {
        return status;
    }
    const Guard guard(child->lock);
    if (child->state != ChildPartition::State::initialized) {
        return Status::invalid_partition_state;
    }
    if (index >= max_vps || find_vp(*child, index) != nullptr) {
        return Status::invalid_vp_index;
    }
    if (vp_creation::create(*child, index, call.form.code, status) != nullptr) {
        children::publish_counts(call.caller);
        Log() << "partition " << child->id << " vp " << index << " created";
    }
    return status;
}

std::span<const Entry> vp_calls() {
    return entries;
}

} // namespace mshv::standin::hypercall
