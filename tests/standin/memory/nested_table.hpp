// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/types.hpp"

namespace mshv::standin {

/// Rights of a mapping; a nested table has no right to read alone taken away.
struct Rights {
    bool write = true;
    bool execute = true;
};

/// A partition's nested page table: what its addresses are in the machine. Four levels, pages of 4 KiB,
/// 2 MiB and 1 GiB; a large one is split where a smaller change needs it. The caller holds the
/// partition's lock, and flushes where a right was taken.
class NestedTable {
public:
    /// `allocate` gives a zeroed page or null.
    using Allocate = void* (*)();
    constexpr explicit NestedTable(Allocate allocate) : allocate_(allocate) {}

    /// Maps [gpa, gpa+length) to [address, …), with the largest pages that fit. All three on page
    /// borders. False when there was no page for a table; what was mapped until then stays.
    bool map(GuestPhysicalAddress gpa, PhysicalAddress address, u64 length, Rights rights);
    bool unmap(GuestPhysicalAddress gpa, u64 length);

    struct Found {
        PhysicalAddress address = 0;
        bool present = false;
        Rights rights;
    };
    [[nodiscard]] Found find(GuestPhysicalAddress gpa) const;

    /// What nested CR3 gets; 0 before the first map().
    [[nodiscard]] PhysicalAddress root() const { return address_of(root_); }

private:
    bool set(GuestPhysicalAddress gpa, u64 size, u64 entry);
    u64* descend(u64& entry, u64 size_below);

    Allocate allocate_;
    u64* root_ = nullptr;
};

} // namespace mshv::standin
