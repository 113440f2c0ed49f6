// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/decode/opcode_tables.hpp"

#include <array>
#include <cstddef>

namespace mshv::standin {

namespace {

using namespace shape;

using OpcodeTable = std::array<Shape, 256>;

/// All opcodes from `first` to `last` are of one shape; what no row names is undefined.
struct Row {
    std::uint8_t first;
    std::uint8_t last;
    Shape shape;
};

template <std::size_t count>
constexpr bool ascending(const Row (&rows)[count]) {
    for (std::size_t at = 0; at < count; ++at) {
        if (rows[at].first > rows[at].last || (at > 0 && rows[at].first <= rows[at - 1].last)) {
            return false;
        }
    }
    return true;
}

template <std::size_t count>
constexpr OpcodeTable expand(const Row (&rows)[count]) {
    OpcodeTable table{};
    for (Shape& entry : table) {
        entry = undefined;
    }
    for (const Row& row : rows) {
        for (unsigned opcode = row.first; opcode <= row.last; ++opcode) {
            table[opcode] = row.shape;
        }
    }
    return table;
}

// Prefixes, the escape 0F, and C4, C5, 62, 8F where they are prefixes, never get here.
constexpr Row one_byte_rows[] = {
    {0x00, 0x03, modrm},
    {0x04, 0x04, imm8},
    {0x05, 0x05, imm_z},
    {0x06, 0x07, not_64}, // PUSH, POP ES
    {0x08, 0x0b, modrm},
    {0x0c, 0x0c, imm8},
    {0x0d, 0x0d, imm_z},
    {0x0e, 0x0e, not_64}, // PUSH CS
    {0x10, 0x13, modrm},
    {0x14, 0x14, imm8},
    {0x15, 0x15, imm_z},
    {0x16, 0x17, not_64}, // PUSH, POP SS
    {0x18, 0x1b, modrm},
    {0x1c, 0x1c, imm8},
    {0x1d, 0x1d, imm_z},
    {0x1e, 0x1f, not_64}, // PUSH, POP DS
    {0x20, 0x23, modrm},
    {0x24, 0x24, imm8},
    {0x25, 0x25, imm_z},
    {0x27, 0x27, not_64}, // DAA
    {0x28, 0x2b, modrm},
    {0x2c, 0x2c, imm8},
    {0x2d, 0x2d, imm_z},
    {0x2f, 0x2f, not_64}, // DAS
    {0x30, 0x33, modrm},
    {0x34, 0x34, imm8},
    {0x35, 0x35, imm_z},
    {0x37, 0x37, not_64}, // AAA
    {0x38, 0x3b, modrm},
    {0x3c, 0x3c, imm8},
    {0x3d, 0x3d, imm_z},
    {0x3f, 0x3f, not_64},                    // AAS
    {0x40, 0x4f, not_64},                    // INC, DEC
    {0x50, 0x5f, plain},                     // PUSH, POP
    {0x60, 0x61, not_64},                    // PUSHA, POPA
    {0x62, 0x62, modrm | mem_only | not_64}, // BOUND
    {0x63, 0x63, modrm},                     // ARPL, MOVSXD
    {0x68, 0x68, imm_z},                     // PUSH
    {0x69, 0x69, modrm | imm_z},             // IMUL
    {0x6a, 0x6a, imm8},                      // PUSH
    {0x6b, 0x6b, modrm | imm8},              // IMUL
    {0x6c, 0x6f, plain},                     // INS, OUTS
    {0x70, 0x7f, imm8},                      // Jcc
    {0x80, 0x80, modrm | imm8},
    {0x81, 0x81, modrm | imm_z},
    {0x82, 0x82, modrm | imm8 | not_64}, // as 80
    {0x83, 0x83, modrm | imm8},
    {0x84, 0x8c, modrm},
    {0x8d, 0x8d, modrm | mem_only}, // LEA
    {0x8e, 0x8e, modrm | by_reg},   // MOV to a segment register
    {0x8f, 0x8f, modrm | by_reg},   // POP
    {0x90, 0x99, plain},
    {0x9a, 0x9a, far_ptr | not_64}, // CALL far
    {0x9b, 0x9f, plain},
    {0xa0, 0xa3, moffs},
    {0xa4, 0xa7, plain}, // MOVS, CMPS
    {0xa8, 0xa8, imm8},  // TEST
    {0xa9, 0xa9, imm_z},
    {0xaa, 0xaf, plain}, // STOS, LODS, SCAS
    {0xb0, 0xb7, imm8},
    {0xb8, 0xbf, imm_v},
    {0xc0, 0xc1, modrm | imm8},
    {0xc2, 0xc2, imm16}, // RET
    {0xc3, 0xc3, plain},
    {0xc4, 0xc5, modrm | mem_only | not_64}, // LES, LDS
    {0xc6, 0xc6, modrm | imm8 | by_reg},
    {0xc7, 0xc7, modrm | imm_z | by_reg},
    {0xc8, 0xc8, imm16 | imm8}, // ENTER
    {0xc9, 0xc9, plain},
    {0xca, 0xca, imm16}, // RET far
    {0xcb, 0xcc, plain},
    {0xcd, 0xcd, imm8},   // INT
    {0xce, 0xce, not_64}, // INTO
    {0xcf, 0xcf, plain},
    {0xd0, 0xd3, modrm},
    {0xd4, 0xd5, imm8 | not_64}, // AAM, AAD
    {0xd6, 0xd6, not_64},        // SALC
    {0xd7, 0xd7, plain},
    {0xd8, 0xdf, modrm},            // x87
    {0xe0, 0xe7, imm8},             // LOOP, JCXZ, IN, OUT
    {0xe8, 0xe9, imm_z},            // CALL, JMP
    {0xea, 0xea, far_ptr | not_64}, // JMP far
    {0xeb, 0xeb, imm8},
    {0xec, 0xef, plain}, // IN, OUT
    {0xf1, 0xf1, plain}, // INT1
    {0xf4, 0xf5, plain},
    {0xf6, 0xf7, modrm | by_reg},
    {0xf8, 0xfd, plain},
    {0xfe, 0xff, modrm | by_reg},
};

constexpr Row two_byte_rows[] = {
    {0x00, 0x03, modrm},
    {0x05, 0x09, plain},
    {0x0b, 0x0b, plain},
    {0x0d, 0x0d, modrm},
    {0x0e, 0x0e, plain},
    {0x10, 0x1f, modrm},
    {0x20, 0x23, modrm | mod_is_3}, // MOV to and from CRn, DRn
    {0x28, 0x2f, modrm},
    {0x30, 0x35, plain},
    {0x37, 0x37, plain},
    {0x40, 0x6f, modrm},
    {0x70, 0x73, modrm | imm8},
    {0x74, 0x76, modrm},
    {0x77, 0x77, plain},
    {0x78, 0x79, modrm | by_prefix}, // VMREAD, VMWRITE, EXTRQ, INSERTQ
    {0x7c, 0x7f, modrm},
    {0x80, 0x8f, imm_z}, // Jcc
    {0x90, 0x9f, modrm},
    {0xa0, 0xa2, plain},
    {0xa3, 0xa3, modrm},
    {0xa4, 0xa4, modrm | imm8},
    {0xa5, 0xa5, modrm},
    {0xa6, 0xa7, modrm | reg_only}, // VIA's and Zhaoxin's PadLock
    {0xa8, 0xaa, plain},
    {0xab, 0xab, modrm},
    {0xac, 0xac, modrm | imm8},
    {0xad, 0xb1, modrm},
    {0xb2, 0xb2, modrm | mem_only}, // LSS
    {0xb3, 0xb3, modrm},
    {0xb4, 0xb5, modrm | mem_only}, // LFS, LGS
    {0xb6, 0xb7, modrm},
    {0xb8, 0xb8, modrm | by_prefix}, // POPCNT
    {0xb9, 0xb9, modrm},             // UD1
    {0xba, 0xba, modrm | imm8 | by_reg},
    {0xbb, 0xc1, modrm},
    {0xc2, 0xc2, modrm | imm8},
    {0xc3, 0xc3, modrm | mem_only}, // MOVNTI
    {0xc4, 0xc4, modrm | imm8},
    {0xc5, 0xc5, modrm | imm8 | reg_only},
    {0xc6, 0xc6, modrm | imm8},
    {0xc7, 0xc7, modrm},
    {0xc8, 0xcf, plain}, // BSWAP
    {0xd0, 0xff, modrm}, // FF: UD0
};

constexpr Row three_38_rows[] = {
    {0x00, 0x0b, modrm}, {0x10, 0x10, modrm}, {0x14, 0x15, modrm}, {0x17, 0x17, modrm},
    {0x1c, 0x1e, modrm}, {0x20, 0x25, modrm}, {0x28, 0x2b, modrm}, {0x30, 0x41, modrm},
    {0x80, 0x82, modrm}, {0xc8, 0xcd, modrm}, {0xcf, 0xcf, modrm}, {0xd8, 0xd8, modrm},
    {0xdb, 0xdf, modrm}, {0xf0, 0xf1, modrm}, {0xf5, 0xf6, modrm}, {0xf8, 0xfc, modrm},
};

constexpr Row three_3a_rows[] = {
    {0x08, 0x0f, modrm | imm8}, {0x14, 0x17, modrm | imm8}, {0x20, 0x22, modrm | imm8},
    {0x40, 0x42, modrm | imm8}, {0x44, 0x44, modrm | imm8}, {0x60, 0x63, modrm | imm8},
    {0xcc, 0xcc, modrm | imm8}, {0xce, 0xcf, modrm | imm8}, {0xdf, 0xdf, modrm | imm8},
    {0xf0, 0xf0, modrm | imm8},
};

static_assert(ascending(one_byte_rows) && ascending(two_byte_rows));
static_assert(ascending(three_38_rows) && ascending(three_3a_rows));

constexpr std::uint8_t suffixes_3dnow[] = {0x0c, 0x0d, 0x1c, 0x1d, 0x8a, 0x8e, 0x90, 0x94,
                                           0x96, 0x97, 0x9a, 0x9e, 0xa0, 0xa4, 0xa6, 0xa7,
                                           0xaa, 0xae, 0xb0, 0xb4, 0xb6, 0xb7, 0xbb, 0xbf};

/// The opcodes of map 1 that keep their immediate behind VEX and EVEX.
constexpr bool map1_immediate(std::uint8_t opcode) {
    return (opcode >= 0x70 && opcode <= 0x73) || opcode == 0xc2 ||
           (opcode >= 0xc4 && opcode <= 0xc6);
}

Shape refine_one_byte(std::uint8_t opcode, Shape shape, unsigned reg, std::uint8_t modrm_byte) {
    switch (opcode) {
    case 0x8e: // CS is not loaded by MOV; there are no registers 6 and 7
        return reg == 1 || reg > 5 ? undefined : shape;
    case 0x8f:
        return reg == 0 ? shape : undefined;
    case 0xc6:
    case 0xc7: // F8: XABORT, XBEGIN
        return reg == 0 || modrm_byte == 0xf8 ? shape : undefined;
    case 0xf6: // only TEST has an immediate; /1 is /0 again
        return reg < 2 ? shape | imm8 : shape;
    case 0xf7:
        return reg < 2 ? shape | imm_z : shape;
    case 0xfe:
        return reg < 2 ? shape : undefined;
    case 0xff: // far CALL and JMP take their pointer from memory
        if (reg == 7) {
            return undefined;
        }
        return reg == 3 || reg == 5 ? shape | mem_only : shape;
    default:
        return shape;
    }
}

} // namespace

Shape legacy_shape(OpcodeMap map, std::uint8_t opcode) {
    static constexpr OpcodeTable one_byte = expand(one_byte_rows);
    static constexpr OpcodeTable two_byte = expand(two_byte_rows);
    static constexpr OpcodeTable three_38 = expand(three_38_rows);
    static constexpr OpcodeTable three_3a = expand(three_3a_rows);
    switch (map) {
    case OpcodeMap::one_byte:
        return one_byte[opcode];
    case OpcodeMap::two_byte:
        return two_byte[opcode];
    case OpcodeMap::three_38:
        return three_38[opcode];
    case OpcodeMap::three_3a:
        return three_3a[opcode];
    default:
        return undefined;
    }
}

Shape refine(OpcodeMap map, std::uint8_t opcode, Shape shape, std::uint8_t modrm_byte,
             SimdPrefix prefix) {
    const unsigned reg = (modrm_byte >> 3U) & 7U;
    if (map == OpcodeMap::one_byte) {
        return refine_one_byte(opcode, shape, reg, modrm_byte);
    }
    switch (opcode) {
    case 0x78: // two immediates, here as one of 16 bits
        if (prefix == SimdPrefix::p66 || prefix == SimdPrefix::pf2) {
            return shape | imm16 | reg_only;
        }
        return prefix == SimdPrefix::none ? shape : undefined;
    case 0x79:
        return prefix == SimdPrefix::pf3 ? undefined : shape;
    case 0xb8:
        return prefix == SimdPrefix::pf3 ? shape : undefined;
    case 0xba: // BT, BTS, BTR, BTC
        return reg >= 4 ? shape : undefined;
    default:
        return shape;
    }
}

Shape vex_shape(std::uint8_t select, std::uint8_t opcode) {
    switch (select) {
    case 1:
        if (opcode == 0x77) { // VZEROUPPER
            return plain;
        }
        return map1_immediate(opcode) ? modrm | imm8 : modrm;
    case 2:
        return modrm;
    case 3:
        return modrm | imm8;
    case 7: // RDMSR, WRMSRNS, URDMSR and UWRMSR name the register by 32 bits
        return opcode == 0xf6 || opcode == 0xf8 ? modrm | imm32 | reg_only : undefined;
    default:
        return undefined;
    }
}

Shape evex_shape(std::uint8_t select, std::uint8_t opcode) {
    switch (select) {
    case 1:
        if (opcode == 0x77) {
            return undefined;
        }
        return map1_immediate(opcode) ? modrm | imm8 : modrm;
    case 2:
    case 5: // AVX512-FP16
    case 6:
        return modrm;
    case 3:
        return modrm | imm8;
    default: // 4 is APX, which no processor that this runs on has
        return undefined;
    }
}

Shape xop_shape(std::uint8_t select) {
    switch (select) {
    case 8:
        return modrm | imm8;
    case 9:
        return modrm;
    case 10: // BEXTR, LWPINS, LWPVAL
        return modrm | imm32;
    default:
        return undefined;
    }
}

bool is_3dnow_suffix(std::uint8_t suffix) {
    for (const std::uint8_t known : suffixes_3dnow) {
        if (known == suffix) {
            return true;
        }
    }
    return false;
}

} // namespace mshv::standin
