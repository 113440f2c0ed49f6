// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/partition/root_memory.hpp"

#include "tests/standin/console/log.hpp"
#include "tests/standin/freestanding/spinlock.hpp"
#include "tests/standin/lp/shootdown.hpp"
#include "tests/standin/memory/page_allocator.hpp"
#include "tests/standin/memory/page_set.hpp"

namespace mshv::standin::root_memory {
namespace {

Spinlock lock; ///< of all below and of the root's nested table
constinit PageSet own;
NestedTable* table = nullptr;
bool is_strict = false;
std::span<const MemoryRange> memory;

void unmap(PhysicalAddress page) {
    if (is_strict && !table->unmap(page, page_size)) {
        panic("no memory to split the root's tables");
    }
}

void map(PhysicalAddress page) {
    if (is_strict && !table->map(page, page, page_size, Rights{})) {
        panic("no memory to split the root's tables");
    }
}

} // namespace

void start(NestedTable& root_table, std::span<const MemoryRange> ranges, bool strict) {
    table = &root_table;
    is_strict = strict;
    memory = ranges;
    u64 end = 0;
    for (const MemoryRange& range : ranges) {
        const u64 last = range.base + range.length;
        end = range.type == MemoryRange::usable && last > end ? last : end;
    }
    const u64 words = align_up(end / page_size, PageSet::pages_per_word) / PageSet::pages_per_word;
    own.set_storage({allocate_words(words), words});
    for (const MemoryRange& range : ranges) {
        if (range.type == MemoryRange::usable) {
            own.add_range(range.base, range.base + range.length);
        }
    }
}

bool leave(PhysicalAddress page) {
    const Guard guard(lock);
    if (!own.remove(page)) {
        return false;
    }
    unmap(page);
    return true;
}

void settle() {
    if (is_strict) {
        flush_guests();
    }
}

void come_back(PhysicalAddress page) {
    const Guard guard(lock);
    map(page);
    (void)own.add(page);
}

bool has_left(GuestPhysicalAddress gpa) {
    const Guard guard(lock);
    const auto in_hand = [gpa](const MemoryRange& range) {
        return range.type == MemoryRange::usable && gpa >= range.base &&
               gpa - range.base < range.length;
    };
    for (const MemoryRange& range : memory) {
        if (in_hand(range)) {
            return !own.contains(gpa);
        }
    }
    return false;
}

void show(PhysicalAddress page) {
    const Guard guard(lock);
    map(page);
}

void hide(PhysicalAddress page) {
    {
        const Guard guard(lock);
        unmap(page);
    }
    settle();
}

} // namespace mshv::standin::root_memory
