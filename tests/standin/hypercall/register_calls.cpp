// SPDX-License-Identifier: Apache-2.0
//
// Registers and other state of children's VPs. Source of the layouts: Linux's
// include/hyperv/hvgdk_mini.h and hvhdk.h.
#include "tests/standin/hypercall/target.hpp"
#include "tests/standin/vp/registers.hpp"
#include "tests/standin/vp/saved_state.hpp"

namespace mshv::standin::hypercall {
namespace {

/// { u64 partition, u32 vp, u8 vtl, u8[3] } { u32 name }… -> { u64 × 2 }…
Status get_vp_registers(Call& call) {
    Status status = Status::success;
    ChildVp* const vp = target_vp(call, status);
    if (vp == nullptr) {
        return status;
    }
    const VpState state(*vp);
    for (; call.done < call.last; ++call.done) {
        registers::Value value;
        status = registers::read(*vp, call.element<u32>(call.done), value);
        if (status != Status::success) {
            return status;
        }
        call.put_element<registers::Value>(call.done, value);
    }
    return Status::success;
}

struct Assignment {
    u32 name;
    u32 reserved;
    u64 reserved_too;
    registers::Value value;
};

/// { u64 partition, u32 vp, u8 vtl, u8[3] } { u32 name, u32, u64, u64 × 2 }…
Status set_vp_registers(Call& call) {
    Status status = Status::success;
    ChildVp* const vp = target_vp(call, status);
    if (vp == nullptr) {
        return status;
    }
    const VpState state(*vp);
    for (; call.done < call.last; ++call.done) {
        const auto one = call.element<Assignment>(call.done);
        status = registers::write(*vp, one.name, one.value);
        if (status != Status::success) {
            break;
        }
    }
    vp->clockwork.arm(this_lp(), *vp); // timers are among them
    return status;
}

/// { u64 partition, u32 vp, u8 vtl, u8[3], { u32 type, u32, u64 flags, u64 states } } { u64 page }…
/// -> { u8[200] }
Status get_vp_state(Call& call) {
    Status status = Status::success;
    ChildVp* const vp = target_vp(call, status);
    if (vp == nullptr) {
        return status;
    }
    const VpState state(*vp);
    u8* const page = saved_state::is_by_page(call.in<u32>(16)) && call.var_header != 0
                         ? caller_page(call.caller, call.in<u64>(call.form.header))
                         : call.output;
    return page == nullptr ? Status::invalid_parameter
                           : saved_state::save(*vp, call.in<u32>(16), page);
}

/// The same, with what is no page in the variable part itself.
Status set_vp_state(Call& call) {
    Status status = Status::success;
    ChildVp* const vp = target_vp(call, status);
    if (vp == nullptr) {
        return status;
    }
    if (call.var_header == 0) {
        return Status::invalid_parameter;
    }
    const VpState state(*vp);
    const u32 type = call.in<u32>(16);
    if (!saved_state::is_by_page(type)) {
        return call.var_header < saved_state::inline_size
                   ? Status::invalid_parameter
                   : saved_state::restore(*vp, type, call.input + call.form.header);
    }
    const u8* const page = caller_page(call.caller, call.in<u64>(call.form.header));
    return page == nullptr ? Status::invalid_parameter : saved_state::restore(*vp, type, page);
}

constexpr u64 parent = privilege::create_partitions;
constexpr Entry entries[] = {
    {{0x50, "get_vp_registers", true, false, 16, 4, 16, 0}, parent, get_vp_registers},
    {{0x51, "set_vp_registers", true, false, 16, 32, 0, 0}, parent, set_vp_registers},
    {{0xE3, "get_vp_state", false, true, 40, 0, 0, 200}, parent, get_vp_state},
    {{0xE4, "set_vp_state", false, true, 40, 0, 0, 0}, parent, set_vp_state},
};

} // namespace

u8* caller_page(const Partition& caller, u64 number) {
    constexpr u64 highest_page = 1ULL << 36;
    const auto found =
        number < highest_page ? caller.memory.find(number * page_size) : NestedTable::Found{};
    return found.present && found.rights.write ? at<u8>(found.address) : nullptr;
}

std::span<const Entry> register_calls() {
    return entries;
}

} // namespace mshv::standin::hypercall
