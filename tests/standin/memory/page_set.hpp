// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/types.hpp"

#include <span>

namespace mshv::standin {

/// A set of the machine's pages, one bit each. Its user keeps the order of those who use it.
class PageSet {
public:
    /// Bits for the pages below `words.size() * pages_per_word`, none of which is in it yet.
    void set_storage(std::span<u64> words) { words_ = words; }
    static constexpr u64 pages_per_word = 64;

    /// Every whole page of [begin, end) that there is a bit for.
    void add_range(PhysicalAddress begin, PhysicalAddress end) {
        for (u64 page = align_up(begin, page_size); page + page_size <= end; page += page_size) {
            (void)add(page);
        }
    }
    /// False when it was in it already, or there is no bit for it.
    bool add(PhysicalAddress page) { return exchange(page, true) == Bit::clear; }
    /// False when it was not in it.
    bool remove(PhysicalAddress page) { return exchange(page, false) == Bit::set; }

    [[nodiscard]] bool covers(PhysicalAddress page) const {
        return page / page_size / pages_per_word < words_.size();
    }
    [[nodiscard]] bool contains(PhysicalAddress page) const {
        const u64 number = page / page_size;
        return covers(page) && (words_[number / pages_per_word] >> (number % pages_per_word) & 1) != 0;
    }

private:
    enum class Bit : u8 { none, clear, set };

    Bit exchange(PhysicalAddress page, bool value) {
        const u64 number = page / page_size;
        if (page % page_size != 0 || !covers(page)) {
            return Bit::none;
        }
        u64& word = words_[number / pages_per_word];
        const u64 bit = 1ULL << (number % pages_per_word);
        const Bit before = (word & bit) != 0 ? Bit::set : Bit::clear;
        word = value ? word | bit : word & ~bit;
        return before;
    }

    std::span<u64> words_;
};

} // namespace mshv::standin
