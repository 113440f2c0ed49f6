// SPDX-License-Identifier: Apache-2.0
//
// What is random in a fuzzer, from a seed.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fuzz {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;

constexpr u64 page = 4096;

// xorshift64*: one state of 64 bits, so that a seed says it all.
class Dice {
public:
    explicit Dice(u64 seed) : state_(seed * 0x9E3779B97F4A7C15 | 1) {}
    u64 next() {
        state_ ^= state_ >> 12;
        state_ ^= state_ << 25;
        state_ ^= state_ >> 27;
        return state_ * 0x2545F4914F6CDD1D;
    }
    u32 below(u32 end) { return static_cast<u32>((next() >> 32) * end >> 32); }
    bool one_in(u32 n) { return below(n) == 0; }
    // A number near a border, or any.
    u64 odd() {
        constexpr u64 borders[] = {0,         1,           page - 1,   page,      page + 1,
                                   1 << 20,   0x7FFFFFFF,  0xFFFFFFFF, 1UL << 40, 1UL << 52,
                                   1UL << 63, ~0UL - page, ~0UL};
        const u64 any = next();
        return one_in(3) ? any : borders[below(sizeof(borders) / sizeof(borders[0]))];
    }
    // What is right, but for once in a while.
    template <typename T>
    T mostly(T right) {
        return one_in(40) ? static_cast<T>(odd()) : right;
    }
    void garble(void* what, std::size_t size) {
        if (one_in(40)) {
            static_cast<u8*>(what)[below(static_cast<u32>(size))] ^= static_cast<u8>(next());
        }
    }

private:
    u64 state_;
};

} // namespace fuzz
