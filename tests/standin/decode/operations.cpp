// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/decode/operations.hpp"

namespace mshv::standin {

namespace {

/// Where an instruction has its operands, first (Intel's order) and second.
enum class Layout : std::uint8_t {
    none,
    rm_reg,
    reg_rm,
    reg_rm8, ///< source of 8 bits, destination of the operand size
    reg_rm16,
    reg_rm32,
    rm_imm,
    rm,
    acc_imm,
    acc_moffs,
    moffs_acc,
    rm_bit_reg, ///< as rm_reg; with memory the register selects the word, too
    movs,
    cmps,
    stos,
    lods,
    scas,
    ins,
    outs,
    acc_port,
    port_acc,
};

enum class Width : std::uint8_t {
    by_opcode, ///< bytes if the opcode is even, else the operand size
    full,
    port, ///< as by_opcode, but never 8
};

struct Row {
    OpcodeMap map;
    std::uint8_t first;
    std::uint8_t last;
    Operation operation; ///< length_only: ModRM.reg tells, see group_operation()
    Layout layout;
    Width width;
};

constexpr auto one = OpcodeMap::one_byte;
constexpr auto two = OpcodeMap::two_byte;

// 00-3F are regular and not listed.
constexpr Row rows[] = {
    {one, 0x63, 0x63, Operation::movsx, Layout::reg_rm32, Width::full},
    {one, 0x6c, 0x6d, Operation::ins, Layout::ins, Width::port},
    {one, 0x6e, 0x6f, Operation::outs, Layout::outs, Width::port},
    {one, 0x80, 0x83, Operation::length_only, Layout::rm_imm, Width::by_opcode},
    {one, 0x84, 0x85, Operation::test, Layout::rm_reg, Width::by_opcode},
    {one, 0x86, 0x87, Operation::xchg, Layout::rm_reg, Width::by_opcode},
    {one, 0x88, 0x89, Operation::mov, Layout::rm_reg, Width::by_opcode},
    {one, 0x8a, 0x8b, Operation::mov, Layout::reg_rm, Width::by_opcode},
    {one, 0xa0, 0xa1, Operation::mov, Layout::acc_moffs, Width::by_opcode},
    {one, 0xa2, 0xa3, Operation::mov, Layout::moffs_acc, Width::by_opcode},
    {one, 0xa4, 0xa5, Operation::movs, Layout::movs, Width::by_opcode},
    {one, 0xa6, 0xa7, Operation::cmps, Layout::cmps, Width::by_opcode},
    {one, 0xa8, 0xa9, Operation::test, Layout::acc_imm, Width::by_opcode},
    {one, 0xaa, 0xab, Operation::stos, Layout::stos, Width::by_opcode},
    {one, 0xac, 0xad, Operation::lods, Layout::lods, Width::by_opcode},
    {one, 0xae, 0xaf, Operation::scas, Layout::scas, Width::by_opcode},
    {one, 0xc6, 0xc7, Operation::length_only, Layout::rm_imm, Width::by_opcode},
    {one, 0xe4, 0xe5, Operation::input, Layout::acc_imm, Width::port},
    {one, 0xe6, 0xe7, Operation::output, Layout::acc_imm, Width::port},
    {one, 0xec, 0xed, Operation::input, Layout::acc_port, Width::port},
    {one, 0xee, 0xef, Operation::output, Layout::port_acc, Width::port},
    {one, 0xf4, 0xf4, Operation::hlt, Layout::none, Width::full},
    {one, 0xf6, 0xf7, Operation::length_only, Layout::rm, Width::by_opcode},
    {one, 0xfe, 0xff, Operation::length_only, Layout::rm, Width::by_opcode},
    {two, 0x01, 0x01, Operation::length_only, Layout::none, Width::full},
    {two, 0x30, 0x30, Operation::wrmsr, Layout::none, Width::full},
    {two, 0x32, 0x32, Operation::rdmsr, Layout::none, Width::full},
    {two, 0xa2, 0xa2, Operation::cpuid, Layout::none, Width::full},
    {two, 0xa3, 0xa3, Operation::bt, Layout::rm_bit_reg, Width::full},
    {two, 0xab, 0xab, Operation::bts, Layout::rm_bit_reg, Width::full},
    {two, 0xb0, 0xb1, Operation::cmpxchg, Layout::rm_reg, Width::by_opcode},
    {two, 0xb3, 0xb3, Operation::btr, Layout::rm_bit_reg, Width::full},
    {two, 0xb6, 0xb6, Operation::movzx, Layout::reg_rm8, Width::full},
    {two, 0xb7, 0xb7, Operation::movzx, Layout::reg_rm16, Width::full},
    {two, 0xba, 0xba, Operation::length_only, Layout::rm_imm, Width::full},
    {two, 0xbb, 0xbb, Operation::btc, Layout::rm_bit_reg, Width::full},
    {two, 0xbe, 0xbe, Operation::movsx, Layout::reg_rm8, Width::full},
    {two, 0xbf, 0xbf, Operation::movsx, Layout::reg_rm16, Width::full},
    {two, 0xc0, 0xc1, Operation::xadd, Layout::rm_reg, Width::by_opcode},
    {two, 0xc3, 0xc3, Operation::mov, Layout::rm_reg, Width::full}, // MOVNTI
};

constexpr Operation arithmetic[8] = {
    Operation::add,     Operation::bit_or, Operation::adc,     Operation::sbb,
    Operation::bit_and, Operation::sub,    Operation::bit_xor, Operation::cmp,
};
constexpr Layout arithmetic_layouts[3] = {Layout::rm_reg, Layout::reg_rm, Layout::acc_imm};
constexpr Operation bit_tests[4] = {Operation::bt, Operation::bts, Operation::btr, Operation::btc};

/// An operation of length_only means: no row.
Row find_row(const Instruction& instruction) {
    const std::uint8_t opcode = instruction.opcode;
    if (instruction.map == one && opcode < 0x40 && (opcode & 7U) < 6) {
        return {one,
                opcode,
                opcode,
                arithmetic[opcode >> 3U],
                arithmetic_layouts[(opcode & 7U) >> 1U],
                Width::by_opcode};
    }
    for (const Row& row : rows) {
        if (row.map == instruction.map && row.first <= opcode && opcode <= row.last) {
            return row;
        }
    }
    return {one, 0, 0, Operation::length_only, Layout::none, Width::full};
}

Operation group_operation(const Instruction& instruction) {
    const unsigned reg = (instruction.modrm >> 3U) & 7U;
    if (instruction.map == two) {
        if (instruction.opcode == 0x01) {
            return instruction.modrm == 0xd9 ? Operation::vmmcall : Operation::length_only;
        }
        return instruction.opcode == 0xba ? bit_tests[reg & 3U] : Operation::length_only;
    }
    switch (instruction.opcode) {
    case 0x80:
    case 0x81:
    case 0x82:
    case 0x83:
        return arithmetic[reg];
    case 0xc6:
    case 0xc7: // /7 is XABORT, XBEGIN
        return reg == 0 ? Operation::mov : Operation::length_only;
    case 0xf6:
    case 0xf7: {
        constexpr Operation unary[4] = {Operation::test, Operation::test, Operation::bit_not,
                                        Operation::neg};
        return reg < 4 ? unary[reg] : Operation::length_only; // MUL and DIV are not
    }
    case 0xfe:
    case 0xff:
        return reg == 0 ? Operation::inc : reg == 1 ? Operation::dec : Operation::length_only;
    default:
        return Operation::length_only;
    }
}

class Operands {
public:
    Operands(Instruction& instruction, std::uint8_t rex, std::uint8_t size)
        : instruction_(instruction), rex_(rex), size_(size) {}

    void place(Layout layout);

private:
    [[nodiscard]] Operand reg(unsigned number, std::uint8_t size) const {
        Operand operand{OperandKind::reg, size, static_cast<std::uint8_t>(number), false};
        if (size == 1 && rex_ == 0 && number >= 4 && number < 8) {
            operand.reg = static_cast<std::uint8_t>(number - 4);
            operand.high_byte = true;
        }
        return operand;
    }
    [[nodiscard]] Operand modrm_reg() const {
        return reg(((instruction_.modrm >> 3U) & 7U) | ((rex_ & 4U) << 1U), size_);
    }
    [[nodiscard]] Operand modrm_rm(std::uint8_t size) const {
        if (instruction_.has_memory) {
            return {OperandKind::memory, size, no_register, false};
        }
        return reg((instruction_.modrm & 7U) | ((rex_ & 1U) << 3U), size);
    }
    [[nodiscard]] Operand accumulator() const { return reg(0, size_); }
    [[nodiscard]] Operand of(OperandKind kind) const { return {kind, size_, no_register, false}; }
    [[nodiscard]] static Operand port() { return {OperandKind::reg, 2, 2, false}; }

    Operand string_source() {
        constexpr std::uint8_t rsi = 6;
        instruction_.has_memory = true;
        instruction_.memory.address_size = instruction_.address_size;
        instruction_.memory.base = rsi;
        return of(OperandKind::memory);
    }
    Operand string_target() {
        constexpr std::uint8_t rdi = 7;
        instruction_.string_target.segment = Segment::es; // no prefix changes it
        instruction_.string_target.address_size = instruction_.address_size;
        instruction_.string_target.base = rdi;
        return of(OperandKind::string_target);
    }
    void set(Operand destination, Operand source) {
        instruction_.destination = destination;
        instruction_.source = source;
    }
    void place_modrm(Layout layout);
    void place_string(Layout layout);
    void place_accumulator(Layout layout);

    Instruction& instruction_;
    std::uint8_t rex_;
    std::uint8_t size_;
};

void Operands::place_modrm(Layout layout) {
    constexpr std::uint8_t byte = 1;
    constexpr std::uint8_t word = 2;
    constexpr std::uint8_t dword = 4;
    switch (layout) {
    case Layout::rm_reg:
        set(modrm_rm(size_), modrm_reg());
        break;
    case Layout::reg_rm:
        set(modrm_reg(), modrm_rm(size_));
        break;
    case Layout::reg_rm8:
        set(modrm_reg(), modrm_rm(byte));
        break;
    case Layout::reg_rm16:
        set(modrm_reg(), modrm_rm(word));
        break;
    case Layout::reg_rm32:
        set(modrm_reg(), modrm_rm(size_ < dword ? size_ : dword));
        break;
    case Layout::rm_imm:
        set(modrm_rm(size_), of(OperandKind::immediate));
        break;
    case Layout::rm_bit_reg:
        set(modrm_rm(size_), modrm_reg());
        if (instruction_.has_memory) {
            instruction_.memory.bit_word_size = size_;
            instruction_.memory.bit_register = instruction_.source.reg;
        }
        break;
    default:
        set(modrm_rm(size_), {});
        if (instruction_.operation == Operation::test) { // the one of its group with an immediate
            instruction_.source = of(OperandKind::immediate);
        }
    }
}

void Operands::place_string(Layout layout) {
    switch (layout) {
    case Layout::movs:
        set(string_target(), string_source());
        break;
    case Layout::cmps:
        set(string_source(), string_target());
        break;
    case Layout::stos:
        set(string_target(), accumulator());
        break;
    case Layout::lods:
        set(accumulator(), string_source());
        break;
    case Layout::scas:
        set(accumulator(), string_target());
        break;
    case Layout::ins:
        set(string_target(), port());
        break;
    default:
        set(port(), string_source());
    }
}

void Operands::place_accumulator(Layout layout) {
    switch (layout) {
    case Layout::acc_imm:
        set(accumulator(), of(OperandKind::immediate));
        break;
    case Layout::acc_moffs:
        set(accumulator(), of(OperandKind::memory));
        break;
    case Layout::moffs_acc:
        set(of(OperandKind::memory), accumulator());
        break;
    case Layout::acc_port:
        set(accumulator(), port());
        break;
    default:
        set(port(), accumulator());
    }
}

void Operands::place(Layout layout) {
    switch (layout) {
    case Layout::none:
        break;
    case Layout::movs:
    case Layout::cmps:
    case Layout::stos:
    case Layout::lods:
    case Layout::scas:
    case Layout::ins:
    case Layout::outs:
        place_string(layout);
        break;
    case Layout::acc_imm:
    case Layout::acc_moffs:
    case Layout::moffs_acc:
    case Layout::acc_port:
    case Layout::port_acc:
        place_accumulator(layout);
        break;
    default:
        place_modrm(layout);
    }
}

/// OUT has its port first, and a port's number has no sign.
void mend_immediate_port(Instruction& instruction) {
    instruction.immediate &= 0xff;
    Operand port = instruction.source;
    port.size = 1;
    instruction.source = port;
    if (instruction.operation == Operation::output) {
        instruction.source = instruction.destination;
        instruction.destination = port;
    }
}

} // namespace

void describe_operation(Instruction& instruction, std::uint8_t rex) {
    const Row row = find_row(instruction);
    if (row.operation == Operation::movsx && row.map == one &&
        instruction.mode != CodeMode::long64) { // 63 is ARPL there
        return;
    }
    instruction.operation =
        row.operation == Operation::length_only ? group_operation(instruction) : row.operation;
    if (instruction.operation == Operation::length_only) {
        return;
    }
    std::uint8_t size = instruction.operand_size;
    if (row.width != Width::full && (instruction.opcode & 1U) == 0) {
        size = 1;
    } else if (row.width == Width::port && size == 8) {
        size = 4;
    }
    Operands(instruction, rex, size).place(row.layout);
    const bool port_operation =
        instruction.operation == Operation::input || instruction.operation == Operation::output;
    if (port_operation && instruction.opcode < 0xe8) {
        mend_immediate_port(instruction);
    }
}

} // namespace mshv::standin
