// SPDX-License-Identifier: Apache-2.0
//
// Logical and virtual processors. Source of the layouts: Linux's include/asm-generic/hyperv-tlfs.h.
#include "tests/standin/console/log.hpp"
#include "tests/standin/partition/deposited_page.hpp"
#include "tests/standin/hypercall/dispatcher.hpp"
#include "tests/standin/lp/clock.hpp"

namespace mshv::standin::hypercall {
namespace {

/// { u32 lp } -> { u64 × 4 }; Linux asks it to find out whether a processor has been added.
Status get_lp_run_time(Call& call) {
    const u32 index = call.in<u32>(0);
    if (index >= lps().size() || (index != 0 && !lps()[index].added)) {
        return Status::invalid_lp_index;
    }
    call.out<u64>(0, clock::now());
    return Status::success;
}

/// { u32 lp, u32 apic id, u32 domain, u32 flags } -> { u64 startup status × 7 }
Status add_logical_processor(Call& call) {
    const u32 index = call.in<u32>(0);
    const u32 apic_id = call.in<u32>(4);
    if (index >= lps().size() || lps()[index].apic_id != apic_id || !lps()[index].up) {
        return Status::invalid_lp_index;
    }
    const Guard guard(call.caller.lock);
    Lp& lp = lps()[index];
    if (!lp.added) {
        // What the real one keeps of a processor; here it is what makes Linux deposit.
        Status status = Status::success;
        if (take_deposited(call.caller, call.form.code, status) == nullptr) {
            return status;
        }
        lp.added = true;
        Log() << "lp " << index << " added";
    }
    return Status::success;
}

/// What a caller that does not set all of its input has there from an earlier call.
bool has_leftovers(const Call& call) {
    return (call.in<u32>(12) & 0xFFFFFF) != 0 || call.in<u64>(16) != 0;
}

/// { u64 partition, u32 vp, u8[3], u8 kind of subnode, u64 subnode, u64 proximity, u64 flags }; all
/// but the first two is ignored: callers leave it unset.
Status create_vp(Call& call) {
    Partition* partition = find_partition(call.caller, call.in<u64>(0));
    const u32 index = call.in<u32>(8);
    if (has_leftovers(call)) {
        Log() << "leftovers in the input of create_vp";
    }
    if (partition != &call.caller) {
        return create_child_vp(call);
    }
    if (index >= max_vps || index >= lps().size() || !lps()[index].added) {
        return Status::invalid_vp_index;
    }
    const Guard guard(partition->lock);
    if (partition->vps[index] != nullptr) {
        return Status::invalid_vp_index;
    }
    Status status = Status::success;
    if (take_deposited(*partition, call.form.code, status) == nullptr) {
        return status;
    }
    partition->vps[index] = &partition->own_vps[index];
    Log() << "partition " << partition->id << " vp " << index << " created";
    return Status::success;
}

constexpr Entry entries[] = {
    {{0x04, "get_lp_run_time", false, false, 4, 0, 0, 32}, privilege::cpu_management,
     get_lp_run_time},
    {{0x4E, "create_vp", false, false, 40, 0, 0, 0}, privilege::create_partitions, create_vp},
    {{0x76, "add_logical_processor", false, false, 16, 0, 0, 56}, privilege::cpu_management,
     add_logical_processor},
};

} // namespace

std::span<const Entry> processor_calls() {
    return entries;
}

} // namespace mshv::standin::hypercall
