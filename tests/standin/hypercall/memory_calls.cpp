// SPDX-License-Identifier: Apache-2.0
//
// Pages that come and go. Source of the layouts: TLFS, HvCallDepositMemory, HvCallWithdrawMemory.
#include "tests/standin/hypercall/dispatcher.hpp"

namespace mshv::standin::hypercall {
namespace {

/// { u64 partition } { u64 page number }…
Status deposit(Call& call) {
    Partition* partition = find_partition(call.caller, call.in<u64>(0));
    if (partition == nullptr) {
        return Status::invalid_partition_id;
    }
    const Guard guard(partition->lock);
    for (; call.done < call.last; ++call.done) {
        const u64 gpa = call.element<u64>(call.done) * page_size;
        const auto found = call.caller.memory.find(gpa);
        if (!found.present) {
            return Status::invalid_parameter;
        }
        partition->pool.deposit(found.address);
    }
    return Status::success;
}

/// { u64 partition, u64 proximity } -> { u64 page number }…
Status withdraw(Call& call) {
    Partition* partition = find_partition(call.caller, call.in<u64>(0));
    if (partition == nullptr) {
        return Status::invalid_partition_id;
    }
    const Guard guard(partition->lock);
    for (; call.done < call.last; ++call.done) {
        const PhysicalAddress page = partition->pool.withdraw();
        if (page == 0) {
            return Status::no_resources;
        }
        call.put_element<u64>(call.done, page / page_size);
    }
    return Status::success;
}

constexpr Entry entries[] = {
    {{0x48, "deposit", true, false, 8, 8, 0, 0}, privilege::access_memory_pool, deposit},
    {{0x49, "withdraw", true, false, 16, 0, 8, 0}, privilege::access_memory_pool, withdraw},
};

} // namespace

std::span<const Entry> memory_calls() {
    return entries;
}

} // namespace mshv::standin::hypercall
