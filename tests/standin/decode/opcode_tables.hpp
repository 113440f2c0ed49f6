// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/decode/instruction.hpp"

#include <cstdint>

// What follows an opcode byte, by the opcode maps of AMD's and Intel's manuals.

namespace mshv::standin {

/// A sum of Shape flags; 0 is an opcode that needs nothing behind it.
using Shape = std::uint16_t;

namespace shape {
inline constexpr Shape plain = 0;
inline constexpr Shape modrm = 1U << 0U;
inline constexpr Shape imm8 = 1U << 1U;
inline constexpr Shape imm16 = 1U << 2U;
inline constexpr Shape imm_z = 1U << 3U;      ///< 2 bytes with 16-bit operands, else 4
inline constexpr Shape imm_v = 1U << 4U;      ///< as large as the operand: 2, 4, 8
inline constexpr Shape moffs = 1U << 5U;      ///< an address of the address size
inline constexpr Shape far_ptr = 1U << 6U;    ///< offset of the operand size, and a selector
inline constexpr Shape not_64 = 1U << 7U;     ///< undefined in 64-bit mode
inline constexpr Shape mem_only = 1U << 8U;   ///< undefined with a register as r/m
inline constexpr Shape reg_only = 1U << 9U;   ///< undefined with memory as r/m
inline constexpr Shape mod_is_3 = 1U << 10U;  ///< r/m is a register whatever mod says
inline constexpr Shape by_reg = 1U << 11U;    ///< ModRM.reg decides more: refine()
inline constexpr Shape by_prefix = 1U << 12U; ///< 66, F2, F3 decide more: refine()
inline constexpr Shape imm32 = 1U << 13U;     ///< whatever the operand size
inline constexpr Shape undefined = 1U << 15U;
} // namespace shape

/// Of the maps one_byte, two_byte, three_38 and three_3a.
Shape legacy_shape(OpcodeMap map, std::uint8_t opcode);

/// The mandatory prefix of an instruction as VEX numbers it.
enum class SimdPrefix : std::uint8_t { none, p66, pf3, pf2 };

/// The shape of an opcode with by_reg or by_prefix, for this ModRM byte and prefix.
Shape refine(OpcodeMap map, std::uint8_t opcode, Shape shape, std::uint8_t modrm,
             SimdPrefix prefix);

/// `select` is the map number in the prefix.
Shape vex_shape(std::uint8_t select, std::uint8_t opcode);
Shape evex_shape(std::uint8_t select, std::uint8_t opcode);
Shape xop_shape(std::uint8_t select);

bool is_3dnow_suffix(std::uint8_t suffix);

} // namespace mshv::standin
