// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/memory/memory_map.hpp"

namespace mshv::standin {

bool MemoryMap::add(const MemoryRange& range) {
    if (range.length == 0) {
        return true;
    }
    if (count_ == most) {
        return false;
    }
    std::size_t place = count_++;
    for (; place > 0 && ranges_[place - 1].base > range.base; --place) {
        ranges_[place] = ranges_[place - 1];
    }
    ranges_[place] = range;
    return true;
}

bool MemoryMap::carve(u64 base, u64 length, MemoryRange::Type type) {
    const u64 end = base + length;
    for (std::size_t i = 0; i < count_; ++i) {
        const MemoryRange old = ranges_[i];
        const u64 old_end = old.base + old.length;
        const u64 from = old.base > base ? old.base : base;
        const u64 to = old_end < end ? old_end : end;
        if (old.type != MemoryRange::usable || from >= to) {
            continue;
        }
        // In place of the one range: what is before, what is taken, what is behind.
        --count_;
        for (std::size_t k = i; k < count_; ++k) {
            ranges_[k] = ranges_[k + 1];
        }
        if (count_ + 3 > most) {
            return false;
        }
        add({old.base, from - old.base, MemoryRange::usable});
        add({from, to - from, type});
        add({to, old_end - to, MemoryRange::usable});
    }
    return true;
}

u64 MemoryMap::find(u64 size, u64 alignment, u64 from, u64 limit) const {
    for (std::size_t i = count_; i-- > 0;) {
        const MemoryRange& range = ranges_[i];
        const u64 top = range.base + range.length < limit ? range.base + range.length : limit;
        const u64 bottom = range.base > from ? range.base : from;
        if (range.type != MemoryRange::usable || top < size) {
            continue;
        }
        const u64 place = align_down(top - size, alignment);
        if (place >= bottom && place < top) {
            return place;
        }
    }
    return 0;
}

u64 MemoryMap::end() const {
    u64 end = 0;
    for (const MemoryRange& range : ranges()) {
        if (range.type == MemoryRange::usable && range.base + range.length > end) {
            end = range.base + range.length;
        }
    }
    return end;
}

} // namespace mshv::standin
