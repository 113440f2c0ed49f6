// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/hypercall/dispatcher.hpp"
#include "tests/standin/vp/child_vp.hpp"

namespace mshv::standin::hypercall {

constexpr u32 self_vp = 0xFFFFFFFE;

/// The child that a call names in its first eight bytes; null with the status when the caller has
/// no such child.
inline ChildPartition* target_child(const Call& call, Status& status) {
    const u64 id = call.in<u64>(0);
    ChildPartition* const child = children::find(id);
    const bool own = child != nullptr && &child->parent == &call.caller;
    status = own                                            ? Status::success
             : id == call.caller.id || id == self_partition ? Status::operation_denied
                                                            : Status::invalid_partition_id;
    return own ? child : nullptr;
}

/// Its VP, named in the four bytes behind.
inline ChildVp* target_vp(const Call& call, Status& status) {
    ChildPartition* const child = target_child(call, status);
    if (child == nullptr) {
        return nullptr;
    }
    ChildVp* const vp = find_vp(*child, call.in<u32>(8));
    status = vp == nullptr ? Status::invalid_vp_index : Status::success;
    return vp;
}

/// Where a page of the caller that it names by its number is in the machine; null when it is not
/// its own.
u8* caller_page(const Partition& caller, u64 number);

} // namespace mshv::standin::hypercall
