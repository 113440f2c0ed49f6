// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/decode/operands.hpp"

#include <bit>

namespace mshv::standin {

namespace {

/// How far a bit number in a register moves the word that it is in: it is signed.
std::uint64_t bit_displacement(const MemoryOperand& operand, const AddressContext& context) {
    const unsigned unused = 64 - 8U * operand.bit_word_size;
    const std::uint64_t number = context.registers[operand.bit_register];
    const std::int64_t bit = static_cast<std::int64_t>(number << unused) >> unused;
    const auto bits_log2 = static_cast<unsigned>(std::countr_zero(8U * operand.bit_word_size));
    return static_cast<std::uint64_t>(bit >> bits_log2) * operand.bit_word_size;
}

bool has_base(const Instruction& instruction, Segment segment) {
    return instruction.mode != CodeMode::long64 || segment == Segment::fs || segment == Segment::gs;
}

} // namespace

std::uint64_t linear_address(const Instruction& instruction, const MemoryOperand& operand,
                             const AddressContext& context) {
    auto offset = static_cast<std::uint64_t>(operand.displacement);
    if (operand.rip_relative) {
        offset += context.rip + instruction.length;
    }
    if (operand.base != no_register) {
        offset += context.registers[operand.base];
    }
    if (operand.index != no_register) {
        offset += context.registers[operand.index] * operand.scale;
    }
    if (operand.bit_word_size != 0) {
        offset += bit_displacement(operand, context);
    }
    std::uint64_t linear = low_bytes(offset, operand.address_size);
    if (has_base(instruction, operand.segment)) {
        linear += context.segment_bases[static_cast<std::size_t>(operand.segment)];
    }
    return instruction.mode == CodeMode::long64 ? linear : low_bytes(linear, 4);
}

std::uint64_t read_register(const Operand& operand, std::span<const std::uint64_t, 16> registers) {
    const std::uint64_t whole = registers[operand.reg];
    return low_bytes(operand.high_byte ? whole >> 8U : whole, operand.size);
}

void write_register(const Operand& operand, std::uint64_t value,
                    std::span<std::uint64_t, 16> registers) {
    std::uint64_t& whole = registers[operand.reg];
    if (operand.size >= 4) {
        whole = low_bytes(value, operand.size);
        return;
    }
    const unsigned shift = operand.high_byte ? 8 : 0;
    const std::uint64_t mask = low_bytes(~std::uint64_t{0}, operand.size) << shift;
    whole = (whole & ~mask) | ((value << shift) & mask);
}

} // namespace mshv::standin
