// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/decode/guest_walk.hpp"

#include <cstdint>
#include <map>
#include <ostream>

namespace mshv::standin {

inline std::ostream& operator<<(std::ostream& out, WalkStatus status) {
    return out << "walk " << int{static_cast<std::uint8_t>(status)};
}

/// Physical memory that exists in pages of which something was written.
class Memory {
public:
    std::uint64_t& word(std::uint64_t gpa) {
        pages_[gpa >> 12U] = true;
        return words_[gpa & ~std::uint64_t{7}];
    }
    void set32(std::uint64_t gpa, std::uint64_t value) {
        std::uint64_t& whole = word(gpa);
        const unsigned shift = (gpa & 4U) != 0 ? 32 : 0;
        whole = (whole & ~(std::uint64_t{0xffffffff} << shift)) | (value << shift);
    }
    void set8(std::uint64_t gpa, std::uint8_t value) {
        const auto shift = static_cast<unsigned>(8 * (gpa & 7U));
        std::uint64_t& whole = word(gpa);
        whole = (whole & ~(std::uint64_t{0xff} << shift)) | (std::uint64_t{value} << shift);
    }
    [[nodiscard]] GuestMemory reading() { return {this, &read, nullptr}; }
    [[nodiscard]] GuestMemory marking() { return {this, &read, &exchange}; }

    int exchanges_to_refuse = 0;

private:
    static bool read(void* self, std::uint64_t gpa, std::uint64_t& value) {
        auto& memory = *static_cast<Memory*>(self);
        if (!memory.pages_.contains(gpa >> 12U)) {
            return false;
        }
        value = memory.word(gpa);
        return true;
    }
    static bool exchange(void* self, std::uint64_t gpa, std::uint64_t expected,
                         std::uint64_t desired) {
        auto& memory = *static_cast<Memory*>(self);
        if (memory.exchanges_to_refuse > 0) {
            --memory.exchanges_to_refuse;
            return false;
        }
        if (memory.word(gpa) != expected) {
            return false;
        }
        memory.word(gpa) = desired;
        return true;
    }

    std::map<std::uint64_t, std::uint64_t> words_;
    std::map<std::uint64_t, bool> pages_;
};

inline constexpr std::uint64_t present = 1;
inline constexpr std::uint64_t writable = 2;
inline constexpr std::uint64_t user = 4;
inline constexpr std::uint64_t accessed = 0x20;
inline constexpr std::uint64_t dirty = 0x40;
inline constexpr std::uint64_t large = 0x80;
inline constexpr std::uint64_t no_execute = std::uint64_t{1} << 63U;
inline constexpr std::uint64_t all_rights = present | writable | user;

inline constexpr std::uint64_t cr0_pg = std::uint64_t{1} << 31U;
inline constexpr std::uint64_t cr0_wp = 0x10000;
inline constexpr std::uint64_t cr4_pse = 0x10;
inline constexpr std::uint64_t cr4_pae = 0x20;
inline constexpr std::uint64_t cr4_la57 = 0x1000;
inline constexpr std::uint64_t cr4_smep = 0x100000;
inline constexpr std::uint64_t cr4_smap = 0x200000;
inline constexpr std::uint64_t efer_lma = 0x400;
inline constexpr std::uint64_t efer_nxe = 0x800;

} // namespace mshv::standin
