// SPDX-License-Identifier: Apache-2.0
//
// Pages in which the root reads counters. Source of the layouts: Linux's
// include/hyperv/hvhdk_mini.h.
#include "tests/standin/child/child_partition.hpp"
#include "tests/standin/partition/deposited_page.hpp"
#include "tests/standin/hypercall/dispatcher.hpp"
#include "tests/standin/partition/root_memory.hpp"
#include "tests/standin/partition/statistics.hpp"

namespace mshv::standin::hypercall {
namespace {

// enum hv_stats_object_type
constexpr u32 object_hypervisor = 1;
constexpr u32 object_logical_processor = 2;
constexpr u32 object_partition = 0x10001;
constexpr u32 object_vp = 0x10002;

/// { u32 type, u32, u8[16] identity }, whose last byte is the area.
constexpr u32 identity_at = 8;
constexpr u32 area_at = identity_at + 15;
constexpr u8 area_self = 0;

StatsPage* logical_processor(const Call& call, Status& status) {
    const u32 index = call.in<u32>(identity_at);
    if (index >= lps().size() || !lps()[index].added) {
        status = Status::invalid_lp_index;
        return nullptr;
    }
    return &lps()[index].stats;
}

StatsPage* of_partition(const Call& call, bool of_vp, Status& status) {
    Partition* const partition = find_partition(call.caller, call.in<u64>(identity_at));
    if (partition == nullptr) {
        status = Status::invalid_partition_id;
        return nullptr;
    }
    if (!of_vp) {
        return &partition->stats;
    }
    const u32 index = call.in<u32>(identity_at + 8);
    if (index >= max_vps || partition->vps[index] == nullptr) {
        status = Status::invalid_vp_index;
        return nullptr;
    }
    return &partition->vps[index]->stats;
}

/// The page of the object that the call names; null with the reason when there is none.
StatsPage* find_page(const Call& call, Status& status) {
    status = Status::invalid_parameter;
    if (call.in<u8>(area_at) != area_self) {
        return nullptr;
    }
    switch (call.in<u32>(0)) {
    case object_hypervisor:
        return &stats::hypervisor_page();
    case object_logical_processor:
        return logical_processor(call, status);
    case object_partition:
        return of_partition(call, false, status);
    case object_vp:
        return of_partition(call, true, status);
    default:
        return nullptr;
    }
}

/// What changes rarely, so that the page is not empty when it is first read. A processor that runs
/// writes its own.
void publish_now(const Call& call) {
    switch (call.in<u32>(0)) {
    case object_hypervisor:
        children::publish_counts(call.caller);
        break;
    case object_partition:
        if (Partition* const partition = find_partition(call.caller, call.in<u64>(identity_at))) {
            const Guard guard(partition->lock);
            stats::publish(*partition);
        }
        break;
    default:
        break;
    }
}

/// -> { u64 page number }. The page is one that the caller has deposited: it has a use for memory
/// that it knows.
Status map_stats_page(Call& call) {
    Status status = Status::success;
    StatsPage* const stats = find_page(call, status);
    if (stats == nullptr) {
        return status;
    }
    const u64* page = nullptr;
    {
        const Guard guard(call.caller.lock);
        page = stats->map([&call, &status]() -> u64* {
            void* const taken = take_deposited(call.caller, call.form.code, status);
            if (taken != nullptr) {
                root_memory::show(address_of(taken));
            }
            return static_cast<u64*>(taken);
        });
    }
    if (page == nullptr) {
        return status;
    }
    publish_now(call);
    call.out<u64>(0, address_of(page) / page_size);
    return Status::success;
}

Status unmap_stats_page(Call& call) {
    Status status = Status::success;
    StatsPage* const stats = find_page(call, status);
    if (stats == nullptr) {
        return status;
    }
    const Guard guard(call.caller.lock);
    u64* page = nullptr;
    switch (stats->unmap(page)) {
    case StatsPage::Unmapped::no:
        return Status::not_found;
    case StatsPage::Unmapped::page:
        root_memory::hide(address_of(page));
        call.caller.pool.put(address_of(page));
        break;
    case StatsPage::Unmapped::not_yet:
        break;
    }
    return Status::success;
}

constexpr Entry entries[] = {
    {{0x6C, "map_stats_page", false, false, 24, 0, 0, 8}, privilege::access_stats, map_stats_page},
    {{0x6D, "unmap_stats_page", false, false, 24, 0, 0, 0},
     privilege::access_stats,
     unmap_stats_page},
};

} // namespace

std::span<const Entry> stats_calls() {
    return entries;
}

} // namespace mshv::standin::hypercall
