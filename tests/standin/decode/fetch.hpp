// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/decode/guest_walk.hpp"
#include "tests/standin/decode/instruction.hpp"

#include <array>
#include <cstdint>
#include <span>

namespace mshv::standin {

/// Where the guest executes. Base and limit count outside 64-bit mode only.
struct CodeLocation {
    CodeMode mode = CodeMode::long64;
    std::uint64_t base = 0;
    std::uint32_t limit = 0xffffffff; ///< the last offset
    std::uint64_t rip = 0;
    bool user = false; ///< CPL 3
};

struct FetchResult {
    std::array<std::uint8_t, longest_instruction> bytes{};
    std::uint8_t count = 0;
    /// Why there are not 15: ok if the segment ended or nothing is at the address.
    WalkStatus stopped_by = WalkStatus::ok;

    [[nodiscard]] std::span<const std::uint8_t> span() const {
        return std::span<const std::uint8_t>(bytes).first(count);
    }
};

/// The bytes at CS:RIP, as many as there are up to 15. That the next page is missing is no failure:
/// the instruction may well end in front of it.
FetchResult fetch_instruction(const GuestMemory& memory, const PagingState& state,
                              const CodeLocation& location);

} // namespace mshv::standin
