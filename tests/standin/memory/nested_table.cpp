// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/memory/nested_table.hpp"

namespace mshv::standin {
namespace {

// Source: AMD64 APM volume 2, §5.3 and §15.25. Every access of a guest is one of a user.
constexpr u64 present = 1ULL << 0;
constexpr u64 writable = 1ULL << 1;
constexpr u64 user = 1ULL << 2;
constexpr u64 large = 1ULL << 7;
constexpr u64 no_execute = 1ULL << 63;
constexpr u64 address_mask = 0x000FFFFFFFFFF000;
constexpr u64 table_entry = present | writable | user;

constexpr u64 top_size = 512 * huge_page_size;

std::size_t index_of(GuestPhysicalAddress gpa, u64 size) {
    return static_cast<std::size_t>(gpa / size) & 511;
}

u64 bits_of(Rights rights) {
    return present | user | (rights.write ? writable : 0) | (rights.execute ? 0 : no_execute);
}

} // namespace

/// The table below `entry`, made, or made of the large page that stands there, if need be.
/// `size_below`: what one entry of that table stands for.
u64* NestedTable::descend(u64& entry, u64 size_below) {
    if ((entry & present) != 0 && (entry & large) == 0) {
        return at<u64>(entry & address_mask);
    }
    auto* table = static_cast<u64*>(allocate_());
    if (table == nullptr) {
        return nullptr;
    }
    if ((entry & present) != 0) {
        const u64 kept = size_below == page_size ? entry & ~large : entry;
        for (u64 i = 0; i < 512; ++i) {
            table[i] = kept + i * size_below;
        }
    }
    entry = address_of(table) | table_entry;
    return table;
}

bool NestedTable::set(GuestPhysicalAddress gpa, u64 size, u64 entry) {
    if (root_ == nullptr) {
        root_ = static_cast<u64*>(allocate_());
        if (root_ == nullptr) {
            return false;
        }
    }
    u64* table = root_;
    for (u64 level = top_size; level != size; level /= 512) {
        table = descend(table[index_of(gpa, level)], level / 512);
        if (table == nullptr) {
            return false;
        }
    }
    table[index_of(gpa, size)] = entry;
    return true;
}

bool NestedTable::map(GuestPhysicalAddress gpa, PhysicalAddress address, u64 length,
                      Rights rights) {
    for (u64 done = 0; done < length;) {
        u64 size = page_size;
        constexpr u64 larger_sizes[] = {large_page_size, huge_page_size};
        for (const u64 larger : larger_sizes) {
            if ((gpa + done) % larger == 0 && (address + done) % larger == 0 &&
                length - done >= larger) {
                size = larger;
            }
        }
        const u64 kind = size == page_size ? 0 : large;
        if (!set(gpa + done, size, (address + done) | bits_of(rights) | kind)) {
            return false;
        }
        done += size;
    }
    return true;
}

bool NestedTable::unmap(GuestPhysicalAddress gpa, u64 length) {
    for (u64 done = 0; done < length; done += page_size) {
        if (!set(gpa + done, page_size, 0)) {
            return false;
        }
    }
    return true;
}

NestedTable::Found NestedTable::find(GuestPhysicalAddress gpa) const {
    const u64* table = root_;
    Rights rights;
    for (u64 size = top_size; table != nullptr; size /= 512) {
        const u64 entry = table[index_of(gpa, size)];
        if ((entry & present) == 0) {
            return {};
        }
        rights.write = rights.write && (entry & writable) != 0;
        rights.execute = rights.execute && (entry & no_execute) == 0;
        if (size == page_size || (entry & large) != 0) {
            return {align_down(entry & address_mask, size) + gpa % size, true, rights};
        }
        table = at<const u64>(entry & address_mask);
    }
    return {};
}

} // namespace mshv::standin
