// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/decode/instruction.hpp"

#include "tests/standin/decode/operands.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

namespace {

using namespace mshv::standin;

void expect(bool holds) {
    if (!holds) {
        std::abort();
    }
}

/// What the emulator indexes its tables with.
void check_operand(const Instruction& is, const Operand& operand) {
    const unsigned size = operand.size;
    switch (operand.kind) {
    case OperandKind::none:
        return;
    case OperandKind::reg:
        expect(operand.reg < 16 && (!operand.high_byte || (size == 1 && operand.reg < 4)));
        break;
    case OperandKind::memory:
        expect(is.has_memory);
        break;
    case OperandKind::string_target:
        expect(is.string_target.address_size != 0);
        break;
    case OperandKind::immediate:
        break;
    }
    expect(size == 1 || size == 2 || size == 4 || size == 8);
}

void check_memory(const Instruction& is) {
    const unsigned size = is.memory.address_size;
    expect(size == 2 || size == 4 || size == 8);
    expect(is.memory.base == no_register || is.memory.base < 16);
    expect(is.memory.index == no_register || is.memory.index < 16);
    std::array<std::uint64_t, 16> registers{};
    registers.fill(0xfedcba9876543210);
    const std::array<std::uint64_t, 6> bases{};
    const std::uint64_t linear = linear_address(is, is.memory, {registers, bases, 0});
    expect(size == 8 || linear >> (8 * size) == 0);
}

} // namespace

/// Bytes in any mode: an instruction of n bytes is truncated with fewer, and the same with more;
/// what is refused is never an instruction with fewer.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const auto mode = static_cast<CodeMode>(data[0] & 3U);
    const std::span<const std::uint8_t> bytes(data + 1, size - 1);
    const DecodeResult whole = decode(bytes, mode);
    const std::size_t most = bytes.size() < 16 ? bytes.size() : 16;
    for (std::size_t given = 0; given <= most; ++given) {
        const DecodeResult part = decode(bytes.first(given), mode);
        if (whole.ok()) {
            const bool enough = given >= whole.instruction.length;
            expect(part.status == (enough ? DecodeStatus::ok : DecodeStatus::truncated));
            expect(!enough || part.instruction.length == whole.instruction.length);
        } else {
            expect(!part.ok());
        }
    }
    if (!whole.ok()) {
        return 0;
    }
    const Instruction& is = whole.instruction;
    expect(is.length > 0 && is.length <= longest_instruction);
    check_operand(is, is.destination);
    check_operand(is, is.source);
    if (is.has_memory) {
        check_memory(is);
    }
    return 0;
}
