// SPDX-License-Identifier: Apache-2.0
//
// What concerns a VP's synthetic interrupt controller. Source of the layouts: Linux's
// include/hyperv/hvhdk.h.
#include "tests/standin/hypercall/dispatcher.hpp"
#include "tests/standin/partition/synic_delivery.hpp"

namespace mshv::standin::hypercall {
namespace {

/// { u32 sint, u32 }: the caller has found its ring of doorbells empty.
Status notify_port_ring_empty(Call& call) {
    const u32 sint = call.in<u32>(0);
    if (sint >= synic::sint_count) {
        return Status::invalid_parameter;
    }
    synic::on_ring_empty(call.caller, call.vp, sint);
    return Status::success;
}

constexpr Entry entries[] = {
    {{0x8B, "notify_port_ring_empty", false, false, 8, 0, 0, 0},
     privilege::none,
     notify_port_ring_empty},
};

} // namespace

std::span<const Entry> synic_calls() {
    return entries;
}

} // namespace mshv::standin::hypercall
