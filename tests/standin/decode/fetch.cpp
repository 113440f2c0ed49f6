// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/decode/fetch.hpp"

namespace mshv::standin {

namespace {

constexpr std::uint64_t page_offset = 4095;

/// How many bytes the segment holds from RIP on, at most 15.
std::uint8_t room_in_segment(const CodeLocation& location) {
    constexpr std::uint8_t most = longest_instruction;
    if (location.mode == CodeMode::long64) {
        return most;
    }
    if (location.rip > location.limit) {
        return 0;
    }
    const std::uint64_t rest = location.limit - location.rip;
    return rest < most ? static_cast<std::uint8_t>(rest + 1) : most;
}

std::uint64_t linear_of(const CodeLocation& location, std::uint64_t distance) {
    const std::uint64_t offset = location.rip + distance;
    return location.mode == CodeMode::long64 ? offset : (location.base + offset) & 0xffffffffU;
}

} // namespace

FetchResult fetch_instruction(const GuestMemory& memory, const PagingState& state,
                              const CodeLocation& location) {
    FetchResult result;
    const std::uint8_t room = room_in_segment(location);
    std::uint64_t page = 0; ///< physical
    std::uint64_t word = 0;
    bool has_word = false;
    while (result.count < room) {
        const std::uint64_t linear = linear_of(location, result.count);
        if (result.count == 0 || (linear & page_offset) == 0) {
            const WalkResult walked = walk(memory, state, linear, {false, location.user, true});
            if (!walked.ok()) {
                result.stopped_by = walked.status;
                break;
            }
            page = walked.gpa & ~page_offset;
            has_word = false;
        }
        const std::uint64_t gpa = page | (linear & page_offset);
        if (!has_word || (gpa & 7U) == 0) {
            if (!memory.read64(memory.context, gpa & ~std::uint64_t{7}, word)) {
                break;
            }
            has_word = true;
        }
        result.bytes[result.count] = static_cast<std::uint8_t>(word >> (8U * (gpa & 7U)));
        ++result.count;
    }
    return result;
}

} // namespace mshv::standin
