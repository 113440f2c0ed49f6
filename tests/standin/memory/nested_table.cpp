// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/memory/nested_table.hpp"

namespace mshv::standin {
namespace {

// Source: AMD64 APM volume 2, §5.3 and §15.25. Every access of a guest is one of a user.
constexpr u64 present = 1ULL << 0;
constexpr u64 writable = 1ULL << 1;
constexpr u64 user = 1ULL << 2;
constexpr u64 accessed = 1ULL << 5;
constexpr u64 dirty = 1ULL << 6;
constexpr u64 large = 1ULL << 7;
/// One of those that the processor leaves to software: of an entry that is not present.
constexpr u64 reserved_page = 1ULL << 9;
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
    auto* table = static_cast<u64*>(pages_.take(pages_.context));
    if (table == nullptr) {
        return nullptr;
    }
    const u64 whole = __atomic_load_n(&entry, __ATOMIC_RELAXED);
    if ((whole & present) != 0) {
        const u64 kept = size_below == page_size ? whole & ~large : whole;
        for (u64 i = 0; i < 512; ++i) {
            table[i] = kept + i * size_below;
        }
    } else if ((whole & reserved_page) != 0) {
        for (u64 i = 0; i < 512; ++i) {
            table[i] = reserved_page;
        }
    }
    const u64 last = __atomic_exchange_n(&entry, address_of(table) | table_entry, __ATOMIC_ACQ_REL);
    // A processor may have noted something until then.
    const u64 late = last & ~whole & (accessed | dirty);
    for (u64 i = 0; late != 0 && i < 512; ++i) {
        __atomic_fetch_or(&table[i], late, __ATOMIC_RELAXED);
    }
    return table;
}

/// A table that a page takes the place of is kept, since others may be looking at it still.
void NestedTable::replace(u64& entry, u64 value) {
    const u64 before = entry;
    __atomic_store_n(&entry, value, __ATOMIC_RELEASE);
    constexpr u64 kind = present | large;
    if ((before & kind) == present) {
        auto* const table = at<u64>(before & address_mask);
        __atomic_store_n(table, address_of(replaced_), __ATOMIC_RELAXED); // not present
        replaced_ = table;
    }
}

bool NestedTable::make_root() {
    if (root_ == nullptr) {
        root_ = static_cast<u64*>(pages_.take(pages_.context));
    }
    return root_ != nullptr;
}

bool NestedTable::set(GuestPhysicalAddress gpa, u64 size, u64 entry) {
    if (!make_root()) {
        return false;
    }
    u64* table = root_;
    for (u64 level = top_size; level != size; level /= 512) {
        table = descend(table[index_of(gpa, level)], level / 512);
        if (table == nullptr) {
            return false;
        }
    }
    u64& place = table[index_of(gpa, size)];
    if (size == page_size) {
        __atomic_store_n(&place, entry, __ATOMIC_RELEASE);
    } else {
        replace(place, entry);
    }
    return true;
}

bool NestedTable::reserve(GuestPhysicalAddress gpa, u64 size) {
    return set(gpa, size, reserved_page);
}

/// Where no table is, nothing has to be taken: no page is needed for that.
bool NestedTable::clear(GuestPhysicalAddress gpa, u64 size) {
    u64* table = root_;
    for (u64 level = top_size; table != nullptr; level /= 512) {
        u64& entry = table[index_of(gpa, level)];
        if (entry == 0) {
            return true;
        }
        if (level == size || (entry & present) == 0 || (entry & large) != 0) {
            break;
        }
        table = at<u64>(entry & address_mask);
    }
    return table == nullptr || set(gpa, size, 0);
}

u64* NestedTable::leaf(GuestPhysicalAddress gpa) const {
    u64* table = root_;
    for (u64 size = top_size; table != nullptr; size /= 512) {
        u64& entry = table[index_of(gpa, size)];
        if ((entry & present) == 0) {
            return nullptr;
        }
        if (size == page_size || (entry & large) != 0) {
            return &entry;
        }
        table = at<u64>(entry & address_mask);
    }
    return nullptr;
}

NestedTable::Noted NestedTable::note(GuestPhysicalAddress gpa, Renote change) {
    u64* const entry = leaf(gpa);
    if (entry == nullptr) {
        return {};
    }
    const u64 set_bits = (change.set_accessed ? accessed : 0) | (change.set_dirty ? dirty : 0);
    const u64 clear_bits =
        (change.clear_accessed ? accessed : 0) | (change.clear_dirty ? dirty : 0);
    u64 before = __atomic_load_n(entry, __ATOMIC_RELAXED);
    if (set_bits != 0) {
        before = __atomic_fetch_or(entry, set_bits, __ATOMIC_SEQ_CST);
    }
    if (clear_bits != 0) {
        before = __atomic_fetch_and(entry, ~clear_bits, __ATOMIC_SEQ_CST);
    }
    return {(before & accessed) != 0, (before & dirty) != 0};
}

bool NestedTable::divide(GuestPhysicalAddress gpa) {
    u64* table = root_;
    for (u64 size = top_size; table != nullptr && size != page_size; size /= 512) {
        u64& entry = table[index_of(gpa, size)];
        if ((entry & present) == 0) {
            return true;
        }
        table = descend(entry, size / 512);
        if (table == nullptr) {
            return false;
        }
    }
    return true;
}

void NestedTable::put_replaced() {
    while (replaced_ != nullptr) {
        u64* const table = replaced_;
        replaced_ = at<u64>(*table);
        pages_.put(pages_.context, table);
    }
}

void NestedTable::put_below(u64* table, u64 size) {
    for (u64 i = 0; size > page_size && i < 512; ++i) {
        constexpr u64 kind = present | large;
        if ((table[i] & kind) == present) {
            put_below(at<u64>(table[i] & address_mask), size / 512);
        }
    }
    pages_.put(pages_.context, table);
}

void NestedTable::put_all() {
    put_replaced();
    if (root_ != nullptr) {
        put_below(root_, top_size);
        root_ = nullptr;
    }
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
        const u64 entry = __atomic_load_n(&table[index_of(gpa, size)], __ATOMIC_ACQUIRE);
        if ((entry & present) == 0) {
            return {0, false, {}, (entry & reserved_page) != 0};
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
