// SPDX-License-Identifier: Apache-2.0
//
// Memory of the root that a child gets. Source of the layouts: Linux's include/hyperv/hvhdk_mini.h.
#include "tests/standin/faults/injection.hpp"
#include "tests/standin/hypercall/target.hpp"
#include "tests/standin/lp/grace.hpp"
#include "tests/standin/lp/shootdown.hpp"
#include "tests/standin/partition/root_memory.hpp"

namespace mshv::standin::hypercall {
namespace {

constexpr u64 highest_page = 1ULL << 36; // of the four levels that a child's tables have
constexpr u32 readable = 1U << 0;
constexpr u32 writable = 1U << 1;
constexpr u32 executable = 3U << 2; // in kernel mode, in user mode
constexpr u32 no_access = 1U << 16;
constexpr u32 large_page = 1U << 31;
constexpr u32 unmap_large = 1U << 1;

/// Of the caller: all of [address, address + size) is its own. The child may only get what the
/// caller has itself.
bool is_callers(const Partition& caller, PhysicalAddress address, u64 size) {
    for (u64 done = 0; done < size; done += page_size) {
        const auto found = caller.memory.find(address + done);
        if (!found.present || found.address != address + done ||
            root_memory::has_left(address + done)) {
            return false;
        }
    }
    return true;
}

Status map_one(const Call& call, ChildPartition& child, u64 gpa, u32 flags, u64 page) {
    const u64 size = (flags & large_page) != 0 ? large_page_size : page_size;
    const PhysicalAddress address = page * page_size;
    if ((flags & no_access) != 0) {
        return child.memory.reserve(gpa, size) ? Status::success : Status::insufficient_memory;
    }
    if (page >= highest_page || address % size != 0 || !is_callers(call.caller, address, size)) {
        return Status::invalid_parameter;
    }
    const Rights rights{(flags & writable) != 0, (flags & executable) != 0};
    return child.memory.map(gpa, address, size, rights) ? Status::success
                                                        : Status::insufficient_memory;
}

/// Others may run on what was there, write for a VP into a page that they looked up before, and
/// look at tables that have been replaced. The caller gives the page to somebody else behind its
/// call.
void settle(ChildPartition& child) {
    flush_guests();
    wait_for_others();
    const Guard guard(child.lock);
    child.memory.put_replaced();
}

/// { u64 partition, u64 first page, u32 flags, u32 } { u64 page of the caller }…
Status map_gpa_pages(Call& call) {
    Status status = Status::success;
    ChildPartition* const child = target_child(call, status);
    if (child == nullptr) {
        return status;
    }
    const u64 first = call.in<u64>(8);
    const u32 flags = call.in<u32>(16);
    const u64 step = (flags & large_page) != 0 ? large_page_size / page_size : 1;
    const bool none = (flags & no_access) != 0;
    if (first >= highest_page || first % step != 0 || (!none && (flags & readable) == 0)) {
        return Status::invalid_parameter;
    }
    status = faults::on_memory(call.form.code);
    bool changed = false;
    {
        const Guard guard(child->lock);
        if (child->state != ChildPartition::State::initialized) {
            return Status::invalid_partition_state;
        }
        for (; status == Status::success && call.done < call.last; ++call.done) {
            const u64 gpa = (first + call.done * step) * page_size;
            changed = changed || child->memory.find(gpa).present;
            status = map_one(call, *child, gpa, flags, call.element<u64>(call.done));
            if (status != Status::success) {
                break;
            }
        }
        changed = changed || child->memory.has_replaced();
    }
    if (changed) {
        settle(*child);
    }
    return status;
}

/// { u64 partition, u64 first page, u32 flags, u32 }, the count being all that the list is.
Status unmap_gpa_pages(Call& call) {
    Status status = Status::success;
    ChildPartition* const child = target_child(call, status);
    if (child == nullptr) {
        return status;
    }
    const u64 first = call.in<u64>(8);
    const u64 size = (call.in<u32>(16) & unmap_large) != 0 ? large_page_size : page_size;
    const u64 step = size / page_size;
    if (first >= highest_page || first % step != 0) {
        return Status::invalid_parameter;
    }
    {
        const Guard guard(child->lock);
        for (; call.done < call.last; ++call.done) {
            if (!child->memory.clear((first + call.done * step) * page_size, size)) {
                status = Status::insufficient_memory;
                break;
            }
        }
    }
    settle(*child);
    return status;
}

/// { u64 partition, u64 flags, u64 first page } -> { u8 accessed and dirty }…
Status get_gpa_access_states(Call& call) {
    Status status = Status::success;
    ChildPartition* const child = target_child(call, status);
    if (child == nullptr) {
        return status;
    }
    const u64 flags = call.in<u64>(8);
    const u64 first = call.in<u64>(16);
    const NestedTable::Renote change{(flags & 1) != 0, (flags & 2) != 0, (flags & 4) != 0,
                                     (flags & 8) != 0};
    const bool clears = change.clear_accessed || change.clear_dirty;
    if (clears) {
        flush_guests(); // what a processor remembers as written it would not note again
    }
    {
        const Guard guard(child->lock);
        for (; call.done < call.last; ++call.done) {
            const u64 gpa = (first + call.done) * page_size;
            // Or the other pages of a large one would be found cleared without having been told.
            if (clears && !child->memory.divide(gpa)) {
                status = Status::insufficient_memory;
                break;
            }
            const NestedTable::Noted noted = child->memory.note(gpa, change);
            call.put_element<u8>(
                call.done, static_cast<u8>((noted.accessed ? 1U : 0U) | (noted.dirty ? 2U : 0U)));
        }
    }
    if (clears) {
        flush_guests();
    }
    return status;
}

constexpr u64 parent = privilege::create_partitions;
constexpr Entry entries[] = {
    {{0x4B, "map_gpa_pages", true, false, 24, 8, 0, 0}, parent, map_gpa_pages},
    {{0x4C, "unmap_gpa_pages", true, false, 24, 0, 0, 0}, parent, unmap_gpa_pages},
    {{0xC9, "get_gpa_pages_access_states", true, false, 24, 0, 1, 0},
     parent,
     get_gpa_access_states},
};

} // namespace

std::span<const Entry> guest_memory_calls() {
    return entries;
}

} // namespace mshv::standin::hypercall
