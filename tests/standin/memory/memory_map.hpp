// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/types.hpp"

#include <span>

namespace mshv::standin {

/// One range of the machine's address space, in the layout of the BIOS's E820.
struct [[gnu::packed]] MemoryRange {
    enum Type : u32 { usable = 1, reserved = 2, acpi = 3, nvs = 4, unusable = 5 };
    u64 base;
    u64 length;
    u32 type;
};
static_assert(sizeof(MemoryRange) == 20);

/// The ranges that the firmware named, of bounded number, in ascending order.
class MemoryMap {
public:
    static constexpr std::size_t most = 128;

    /// False when there is no room left. Ranges do not overlap.
    bool add(const MemoryRange& range);

    /// Takes [base, base+length) out of what is usable, splitting ranges, and calls it `type`.
    bool carve(u64 base, u64 length, MemoryRange::Type type);

    /// The highest place below `limit` for `size` bytes of usable memory at or above `from`,
    /// aligned to `alignment`; 0 when there is none.
    [[nodiscard]] u64 find(u64 size, u64 alignment, u64 from, u64 limit) const;

    [[nodiscard]] std::span<const MemoryRange> ranges() const { return {ranges_, count_}; }
    /// The end of the highest usable range.
    [[nodiscard]] u64 end() const;

private:
    MemoryRange ranges_[most] = {};
    std::size_t count_ = 0;
};

} // namespace mshv::standin
