// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

// The guest's instructions: how long each is, and what those do that touch device registers. The
// processor under QEMU has neither NRIPS nor DecodeAssists, so that every exit needs one or both.

namespace mshv::standin {

/// What CS and CR0 make of the bytes: default operand and address size 16, 16, 32 and 64 (operands:
/// 32). VEX, EVEX and XOP do not exist in real16, which stands for virtual-8086 too.
enum class CodeMode : std::uint8_t { real16, protected16, protected32, long64 };

/// No processor takes a longer one, however many prefixes it begins with.
inline constexpr std::size_t longest_instruction = 15;

enum class OpcodeMap : std::uint8_t {
    one_byte,
    two_byte,   ///< 0F
    three_38,   ///< 0F 38
    three_3a,   ///< 0F 3A
    three_dnow, ///< 0F 0F: `opcode` is the suffix
    vex,        ///< C4, C5
    evex,       ///< 62
    xop,        ///< 8F
};

enum class Segment : std::uint8_t { es, cs, ss, ds, fs, gs };

enum class Repeat : std::uint8_t { none, equal /*F3*/, not_equal /*F2*/ };

/// Any instruction that is not listed here is decoded for its length and memory operand only.
enum class Operation : std::uint8_t {
    length_only,
    mov,
    movzx,
    movsx,
    xchg,
    add,
    bit_or,
    adc,
    sbb,
    bit_and,
    sub,
    bit_xor,
    cmp,
    test,
    bit_not,
    neg,
    inc,
    dec,
    bt,
    bts,
    btr,
    btc,
    xadd,
    cmpxchg,
    movs,
    cmps,
    stos,
    lods,
    scas,
    ins,
    outs,
    input,
    output,
    cpuid,
    rdmsr,
    wrmsr,
    vmmcall,
    hlt,
};

inline constexpr std::uint8_t no_register = 0xff;

/// seg:[base + index * scale + displacement], cut to `address_size` bytes.
struct MemoryOperand {
    Segment segment = Segment::ds;
    std::uint8_t address_size = 0; ///< bytes: 2, 4, 8
    std::uint8_t base = no_register;
    std::uint8_t index = no_register;
    std::uint8_t scale = 1;
    bool rip_relative = false; ///< to the next instruction
    /// BT and its kin with a bit number in a register: it selects the word, too. 0: not such a one.
    std::uint8_t bit_word_size = 0;
    std::uint8_t bit_register = no_register;
    std::int64_t displacement = 0;
};

enum class OperandKind : std::uint8_t {
    none,
    reg,
    memory,        ///< Instruction::memory
    string_target, ///< Instruction::string_target
    immediate,     ///< Instruction::immediate
};

struct Operand {
    OperandKind kind = OperandKind::none;
    std::uint8_t size = 0; ///< bytes
    std::uint8_t reg = no_register;
    bool high_byte = false; ///< AH, CH, DH, BH: `reg` is then rax, rcx, rdx, rbx
};

struct Instruction {
    std::uint8_t length = 0;
    CodeMode mode = CodeMode::long64;
    OpcodeMap map = OpcodeMap::one_byte;
    std::uint8_t opcode = 0;
    std::uint8_t modrm = 0; ///< if has_modrm
    bool has_modrm = false;
    bool lock = false;
    Repeat repeat = Repeat::none;
    std::uint8_t operand_size = 0; ///< bytes, by prefixes and mode; byte forms differ, see Operand
    std::uint8_t address_size = 0; ///< bytes
    /// By ModRM, moffs or rSI. Not of VEX, EVEX and XOP: vector indices and scaled displacements.
    bool has_memory = false;
    MemoryOperand memory;
    MemoryOperand string_target; ///< ES:rDI, of string instructions
    std::int64_t immediate = 0;  ///< sign-extended; a port's number is not
    Operation operation = Operation::length_only;
    /// `destination` is the first operand in Intel's order; cmp, test and bt do not write it.
    Operand destination;
    Operand source;
};

enum class DecodeStatus : std::uint8_t {
    ok,
    truncated, ///< more bytes are needed than were given
    invalid,   ///< #UD, or #GP for more than 15 bytes; whatever follows makes no difference
};

struct DecodeResult {
    DecodeStatus status = DecodeStatus::invalid;
    Instruction instruction; ///< if ok

    [[nodiscard]] constexpr bool ok() const { return status == DecodeStatus::ok; }
};

/// The instruction at the start of `bytes`. LOCK in front of what it cannot lock is no error here:
/// the processor refuses it before any exit for its operand.
DecodeResult decode(std::span<const std::uint8_t> bytes, CodeMode mode);

} // namespace mshv::standin
