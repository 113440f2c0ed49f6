// SPDX-License-Identifier: Apache-2.0
//
// Pages that come and go. Source of the layouts: TLFS, HvCallDepositMemory, HvCallWithdrawMemory.
#include "tests/standin/hypercall/dispatcher.hpp"
#include "tests/standin/partition/root_memory.hpp"
#include "tests/standin/partition/statistics.hpp"

namespace mshv::standin::hypercall {
namespace {

/// Page numbers beyond that have no address.
constexpr u64 highest_page = 1ULL << 40;

/// Takes the pages from the caller, as far as they are its own: the number behind the last one.
u32 take_from_caller(const Call& call) {
    u32 index = call.first;
    while (index < call.last) {
        const u64 page = call.element<u64>(index);
        if (page == 0 || page >= highest_page || !root_memory::leave(page * page_size)) {
            break;
        }
        ++index;
    }
    root_memory::settle();
    return index;
}

/// { u64 partition } { u64 page number }…
Status deposit(Call& call) {
    Partition* partition = find_partition(call.caller, call.in<u64>(0));
    if (partition == nullptr) {
        return Status::invalid_partition_id;
    }
    const Guard guard(partition->lock);
    const u32 end = take_from_caller(call);
    for (; call.done < end; ++call.done) {
        partition->pool.deposit(call.element<u64>(call.done) * page_size);
    }
    stats::publish(*partition);
    return end == call.last ? Status::success : Status::invalid_parameter;
}

/// { u64 partition, u64 proximity } -> { u64 page number }…
Status withdraw(Call& call) {
    Partition* partition = find_partition(call.caller, call.in<u64>(0));
    if (partition == nullptr) {
        return Status::invalid_partition_id;
    }
    Status status = Status::success;
    const Guard guard(partition->lock);
    for (; call.done < call.last; ++call.done) {
        const PhysicalAddress page = partition->pool.withdraw();
        if (page == 0) {
            status = Status::no_resources;
            break;
        }
        root_memory::come_back(page);
        call.put_element<u64>(call.done, page / page_size);
    }
    stats::publish(*partition);
    return status;
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
