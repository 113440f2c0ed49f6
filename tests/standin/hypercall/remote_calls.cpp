// SPDX-License-Identifier: Apache-2.0
//
// What one VP does to others: flushes their translations, interrupts them. They exist where the
// hypervisor advises their use. Source of the layouts: TLFS, HvCallFlushVirtualAddressSpace(Ex),
// HvCallFlushVirtualAddressList(Ex), HvCallSendSyntheticClusterIpi(Ex).
#include "tests/standin/hypercall/dispatcher.hpp"
#include "tests/standin/hypercall/vp_set.hpp"
#include "tests/standin/lp/shootdown.hpp"
#include "tests/standin/tlfs/hint.hpp"
#include "tests/standin/vp/scheduling.hpp"

namespace mshv::standin::hypercall {
namespace {

constexpr u32 lowest_vector = 0x10;
constexpr u32 highest_vector = 0xFF;

constexpr u64 all_processors = 1U << 0; // of the flags of a flush

/// The VPs of a set behind the first `offset` bytes.
bool vps_of(const Call& call, u32 offset, u64& vps) {
    constexpr u32 bank = 8;
    return first_vps(call.in<u64>(offset), call.in<u64>(offset + 8),
                     call.input + call.form.header, call.var_header / bank, vps);
}

/// Whoever asks for less may be given more: these processors forget all that they remember.
Status flush(Call& call, u64 vps) {
    if ((call.caller.hints & hint::remote_flush) == 0) {
        return Status::invalid_hypercall_code;
    }
    if (call.caller.id == root_partition_id) {
        flush_guests();
    } else {
        const bool all = (call.in<u64>(8) & all_processors) != 0;
        scheduling::flush(static_cast<ChildPartition&>(call.caller), all ? ~0ULL : vps);
    }
    call.done = call.last;
    return Status::success;
}

/// { u64 address space, u64 flags, u64 mask of VPs }
Status flush_masked(Call& call) {
    return flush(call, call.in<u64>(16));
}

/// { u64 address space, u64 flags, set of VPs }
Status flush_set(Call& call) {
    u64 vps = 0;
    return vps_of(call, 16, vps) ? flush(call, vps) : Status::invalid_parameter;
}

Status interrupt(Call& call, u32 vector, u64 vps) {
    if (vector < lowest_vector || vector > highest_vector) {
        return Status::invalid_parameter;
    }
    for (u32 index = 0; index < max_vps; ++index) {
        if ((vps >> index & 1) != 0 && call.caller.vps[index] != nullptr) {
            call.caller.interrupt(call.caller, index, vector);
        }
    }
    return Status::success;
}

/// { u32 vector, u32, u64 mask of VPs }
Status send_ipi(Call& call) {
    if ((call.caller.hints & hint::cluster_ipi) == 0) {
        return Status::invalid_hypercall_code;
    }
    return interrupt(call, call.in<u32>(0), call.in<u64>(8));
}

/// { u32 vector, u32, set of VPs }
Status send_ipi_ex(Call& call) {
    if ((call.caller.hints & hint::cluster_ipi) == 0) {
        return Status::invalid_hypercall_code;
    }
    u64 vps = 0;
    return vps_of(call, 8, vps) ? interrupt(call, call.in<u32>(0), vps) : Status::invalid_parameter;
}

constexpr Entry entries[] = {
    {{0x02, "flush_address_space", false, false, 24, 0, 0, 0}, privilege::none, flush_masked},
    {{0x03, "flush_address_list", true, false, 24, 8, 0, 0}, privilege::none, flush_masked},
    {{0x0B, "send_ipi", false, false, 16, 0, 0, 0}, privilege::none, send_ipi},
    {{0x13, "flush_address_space_ex", false, true, 32, 0, 0, 0}, privilege::none, flush_set},
    {{0x14, "flush_address_list_ex", true, true, 32, 8, 0, 0}, privilege::none, flush_set},
    {{0x15, "send_ipi_ex", false, true, 24, 0, 0, 0}, privilege::none, send_ipi_ex},
};

} // namespace

std::span<const Entry> remote_calls() {
    return entries;
}

} // namespace mshv::standin::hypercall
