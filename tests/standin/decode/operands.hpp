// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/decode/instruction.hpp"

#include <cstdint>
#include <span>

namespace mshv::standin {

/// What an address depends on besides the instruction.
struct AddressContext {
    std::span<const std::uint64_t, 16> registers; ///< RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8…
    std::span<const std::uint64_t, 6> segment_bases; ///< as Segment counts
    std::uint64_t rip = 0;                           ///< of the instruction itself
};

/// The linear address of an operand (memory or string_target) of that instruction.
std::uint64_t linear_address(const Instruction& instruction, const MemoryOperand& operand,
                             const AddressContext& context);

/// The content of a register operand, zero-extended from its size.
std::uint64_t read_register(const Operand& operand, std::span<const std::uint64_t, 16> registers);

/// As the processor writes it: 32 bits clear the upper half, 16 and 8 leave the rest alone.
void write_register(const Operand& operand, std::uint64_t value,
                    std::span<std::uint64_t, 16> registers);

/// The lower `size` bytes (1 to 8) of a value.
constexpr std::uint64_t low_bytes(std::uint64_t value, unsigned size) {
    return size >= 8 ? value : value & ((std::uint64_t{1} << (8 * size)) - 1);
}

} // namespace mshv::standin
