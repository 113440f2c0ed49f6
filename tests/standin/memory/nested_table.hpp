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
    /// Where its pages come from.
    struct Pages {
        /// A zeroed page, or null.
        void* (*take)(void* context) = nullptr;
        void (*put)(void* context, void* page) = nullptr; ///< null: none is ever given back
        void* context = nullptr;
    };
    constexpr explicit NestedTable(Pages pages) : pages_(pages) {}

    /// Maps [gpa, gpa+length) to [address, …), with the largest pages that fit. All three on page
    /// borders. False when there was no page for a table; what was mapped until then stays.
    bool map(GuestPhysicalAddress gpa, PhysicalAddress address, u64 length, Rights rights);
    bool unmap(GuestPhysicalAddress gpa, u64 length);

    /// Makes one page of 4 KiB or 2 MiB something that exists and that nobody may touch.
    bool reserve(GuestPhysicalAddress gpa, u64 size);
    /// Takes what is mapped or reserved in one page of 4 KiB or 2 MiB. False when there was no page
    /// to split a larger one.
    bool clear(GuestPhysicalAddress gpa, u64 size);

    struct Found {
        PhysicalAddress address = 0;
        bool present = false;
        Rights rights;
        bool reserved = false; ///< not present, but it exists
    };
    /// Thread-safe, so long as pages that replace() took out are put back no sooner than all who may
    /// be looking have done so.
    [[nodiscard]] Found find(GuestPhysicalAddress gpa) const;

    /// What the processor has noted of the page around `gpa`.
    struct Noted {
        bool accessed = false;
        bool dirty = false;
    };
    /// Reads it, and clears or sets it as asked; whoever clears flushes.
    struct Renote {
        bool clear_accessed = false, set_accessed = false;
        bool clear_dirty = false, set_dirty = false;
    };
    Noted note(GuestPhysicalAddress gpa, Renote change);
    /// Divides what is mapped there into pages of 4 KiB, each with what was noted of all. False when
    /// there was no page for a table.
    bool divide(GuestPhysicalAddress gpa);

    /// Gives back the tables that larger pages have replaced. After a flush.
    void put_replaced();
    [[nodiscard]] bool has_replaced() const { return replaced_ != nullptr; }
    /// Gives back all tables. Nobody may run on them any more.
    void put_all();

    /// What nested CR3 gets; 0 before the first map().
    /// Makes that, if it is not there. False when there is no page.
    bool make_root();
    [[nodiscard]] PhysicalAddress root() const { return address_of(root_); }

private:
    bool set(GuestPhysicalAddress gpa, u64 size, u64 entry);
    void replace(u64& entry, u64 value);
    void put_below(u64* table, u64 size);
    [[nodiscard]] u64* leaf(GuestPhysicalAddress gpa) const;
    u64* descend(u64& entry, u64 size_below);

    Pages pages_;
    u64* root_ = nullptr;
    u64* replaced_ = nullptr; ///< each begins with the address of the next
};

} // namespace mshv::standin
