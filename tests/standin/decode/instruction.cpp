// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/decode/instruction.hpp"

#include "tests/standin/decode/byte_reader.hpp"
#include "tests/standin/decode/opcode_tables.hpp"
#include "tests/standin/decode/operations.hpp"

namespace mshv::standin {

namespace {

/// One instruction on its way through the decoder.
class Decoder {
public:
    Decoder(std::span<const std::uint8_t> bytes, CodeMode mode) : in_(bytes) { out_.mode = mode; }

    DecodeResult run() {
        read_prefixes();
        read_opcode();
        read_modrm();
        read_immediates();
        DecodeResult result{in_.status(), {}};
        if (in_.ok()) {
            out_.length = static_cast<std::uint8_t>(in_.position());
            describe_operation(out_, prefixes_.rex);
            result.instruction = out_;
        }
        return result;
    }

private:
    struct Prefixes {
        bool operand_size = false;
        bool address_size = false;
        bool has_segment = false;
        Segment segment = Segment::ds;
        std::uint8_t rex = 0; ///< 0 without one
    };

    [[nodiscard]] bool is_long() const { return out_.mode == CodeMode::long64; }

    bool take_prefix(std::uint8_t byte);
    bool take_segment(std::uint8_t byte);
    void read_prefixes();
    void derive_sizes();
    void read_opcode();
    void read_two_byte();
    [[nodiscard]] bool is_escape(std::uint8_t byte);
    void read_vex(std::uint8_t first);
    void read_evex();
    void read_xop();
    void read_modrm();
    void read_memory_16();
    void read_memory_32();
    void read_sib(unsigned mod);
    void read_displacement(unsigned mod, std::size_t wide);
    void read_immediates();
    [[nodiscard]] SimdPrefix simd_prefix() const;

    ByteReader in_;
    Instruction out_;
    Prefixes prefixes_;
    Shape shape_ = shape::plain;
};

bool Decoder::take_segment(std::uint8_t byte) {
    Segment segment = Segment::ds;
    switch (byte) {
    case 0x26:
        segment = Segment::es;
        break;
    case 0x2e:
        segment = Segment::cs;
        break;
    case 0x36:
        segment = Segment::ss;
        break;
    case 0x3e:
        break;
    case 0x64:
        segment = Segment::fs;
        break;
    case 0x65:
        segment = Segment::gs;
        break;
    default:
        return false;
    }
    // The other four do nothing in 64-bit mode, not even to an FS or GS in front of them.
    if (!is_long() || segment == Segment::fs || segment == Segment::gs) {
        prefixes_.has_segment = true;
        prefixes_.segment = segment;
    }
    return true;
}

bool Decoder::take_prefix(std::uint8_t byte) {
    switch (byte) {
    case 0x66:
        prefixes_.operand_size = true;
        return true;
    case 0x67:
        prefixes_.address_size = true;
        return true;
    case 0xf0:
        out_.lock = true;
        return true;
    case 0xf2:
        out_.repeat = Repeat::not_equal;
        return true;
    case 0xf3:
        out_.repeat = Repeat::equal;
        return true;
    default:
        return take_segment(byte);
    }
}

void Decoder::read_prefixes() {
    for (;;) {
        const std::uint8_t next = in_.peek();
        if (take_prefix(next)) {
            prefixes_.rex = 0; // counts only directly in front of the opcode
        } else if (is_long() && (next & 0xf0U) == 0x40) {
            prefixes_.rex = next;
        } else {
            break;
        }
        in_.byte();
    }
    derive_sizes();
}

void Decoder::derive_sizes() {
    const bool small = out_.mode == CodeMode::real16 || out_.mode == CodeMode::protected16;
    out_.operand_size = small != prefixes_.operand_size ? 2 : 4;
    if ((prefixes_.rex & 8U) != 0) {
        out_.operand_size = 8;
    }
    if (is_long()) {
        out_.address_size = prefixes_.address_size ? 4 : 8;
    } else {
        out_.address_size = small != prefixes_.address_size ? 2 : 4;
    }
}

SimdPrefix Decoder::simd_prefix() const {
    // F2 and F3 win over 66, wherever it stands.
    switch (out_.repeat) {
    case Repeat::equal:
        return SimdPrefix::pf3;
    case Repeat::not_equal:
        return SimdPrefix::pf2;
    case Repeat::none:
        break;
    }
    return prefixes_.operand_size ? SimdPrefix::p66 : SimdPrefix::none;
}

/// Outside 64-bit mode VEX and EVEX are the register forms of LES, LDS and BOUND, which have none,
/// and XOP is everywhere the POP whose ModRM.reg and r/m would name a map above 7.
bool Decoder::is_escape(std::uint8_t byte) {
    switch (byte) {
    case 0x62:
    case 0xc4:
    case 0xc5:
        return is_long() || (out_.mode != CodeMode::real16 && (in_.peek() & 0xc0U) == 0xc0);
    case 0x8f:
        return out_.mode != CodeMode::real16 && (in_.peek() & 0x1fU) >= 8;
    default:
        return false;
    }
}

void Decoder::read_opcode() {
    const std::uint8_t first = in_.byte();
    if (first == 0x0f) {
        read_two_byte();
    } else if (is_escape(first)) {
        if (prefixes_.rex != 0 || simd_prefix() != SimdPrefix::none || prefixes_.operand_size ||
            out_.lock) {
            in_.refuse();
        }
        switch (first) {
        case 0x62:
            read_evex();
            break;
        case 0x8f:
            read_xop();
            break;
        default:
            read_vex(first);
        }
    } else {
        out_.opcode = first;
        shape_ = legacy_shape(out_.map, first);
    }
    if ((shape_ & shape::undefined) != 0 || (is_long() && (shape_ & shape::not_64) != 0)) {
        in_.refuse();
    }
}

void Decoder::read_two_byte() {
    out_.map = OpcodeMap::two_byte;
    out_.opcode = in_.byte();
    switch (out_.opcode) {
    case 0x0f: // its opcode stands where others have an immediate
        out_.map = OpcodeMap::three_dnow;
        shape_ = shape::modrm | shape::imm8;
        break;
    case 0x38:
        out_.map = OpcodeMap::three_38;
        out_.opcode = in_.byte();
        shape_ = legacy_shape(out_.map, out_.opcode);
        break;
    case 0x3a:
        out_.map = OpcodeMap::three_3a;
        out_.opcode = in_.byte();
        shape_ = legacy_shape(out_.map, out_.opcode);
        break;
    default:
        shape_ = legacy_shape(out_.map, out_.opcode);
    }
}

void Decoder::read_vex(std::uint8_t first) {
    out_.map = OpcodeMap::vex;
    std::uint8_t select = 1;
    if (first == 0xc4) {
        select = in_.byte() & 0x1fU;
    }
    in_.byte();
    out_.opcode = in_.byte();
    shape_ = vex_shape(select, out_.opcode);
}

void Decoder::read_evex() {
    out_.map = OpcodeMap::evex;
    const std::uint8_t select = in_.byte();
    const std::uint8_t fixed = in_.byte();
    if ((select & 8U) != 0 || (in_.ok() && (fixed & 4U) == 0)) {
        in_.refuse();
    }
    in_.byte();
    out_.opcode = in_.byte();
    shape_ = evex_shape(select & 7U, out_.opcode);
}

void Decoder::read_xop() {
    out_.map = OpcodeMap::xop;
    const std::uint8_t select = in_.byte() & 0x1fU;
    in_.byte();
    out_.opcode = in_.byte();
    shape_ = xop_shape(select);
}

void Decoder::read_modrm() {
    if ((shape_ & shape::modrm) == 0) {
        return;
    }
    out_.has_modrm = true;
    out_.modrm = in_.byte();
    if ((shape_ & (shape::by_reg | shape::by_prefix)) != 0) {
        shape_ = refine(out_.map, out_.opcode, shape_, out_.modrm, simd_prefix());
    }
    const bool memory = out_.modrm < 0xc0 && (shape_ & shape::mod_is_3) == 0;
    if ((shape_ & shape::undefined) != 0 || (memory && (shape_ & shape::reg_only) != 0) ||
        (!memory && (shape_ & shape::mem_only) != 0)) {
        in_.refuse();
    }
    if (!memory || !in_.ok()) {
        return;
    }
    out_.memory.address_size = out_.address_size;
    if (out_.address_size == 2) {
        read_memory_16();
    } else {
        read_memory_32();
    }
    if (prefixes_.has_segment) {
        out_.memory.segment = prefixes_.segment;
    }
    out_.has_memory =
        out_.map != OpcodeMap::vex && out_.map != OpcodeMap::evex && out_.map != OpcodeMap::xop;
}

void Decoder::read_memory_16() {
    struct Pair {
        std::uint8_t base;
        std::uint8_t index;
        Segment segment;
    };
    constexpr std::uint8_t bx = 3;
    constexpr std::uint8_t bp = 5;
    constexpr std::uint8_t si = 6;
    constexpr std::uint8_t di = 7;
    static constexpr Pair pairs[8] = {
        {bx, si, Segment::ds},          {bx, di, Segment::ds},
        {bp, si, Segment::ss},          {bp, di, Segment::ss},
        {si, no_register, Segment::ds}, {di, no_register, Segment::ds},
        {bp, no_register, Segment::ss}, {bx, no_register, Segment::ds},
    };
    const unsigned mod = out_.modrm >> 6U;
    const unsigned rm = out_.modrm & 7U;
    if (mod == 0 && rm == 6) {
        out_.memory.displacement = in_.sign_extended(2);
        return;
    }
    out_.memory.base = pairs[rm].base;
    out_.memory.index = pairs[rm].index;
    out_.memory.segment = pairs[rm].segment;
    read_displacement(mod, 2);
}

void Decoder::read_memory_32() {
    const unsigned mod = out_.modrm >> 6U;
    const unsigned rm = out_.modrm & 7U;
    if (rm == 4) {
        read_sib(mod);
        return;
    }
    if (mod == 0 && rm == 5) {
        out_.memory.displacement = in_.sign_extended(4);
        out_.memory.rip_relative = is_long();
        return;
    }
    out_.memory.base = static_cast<std::uint8_t>(rm | ((prefixes_.rex & 1U) << 3U));
    if (out_.memory.base == 5) {
        out_.memory.segment = Segment::ss;
    }
    read_displacement(mod, 4);
}

void Decoder::read_sib(unsigned mod) {
    const unsigned sib = in_.byte();
    const unsigned index = ((sib >> 3U) & 7U) | ((prefixes_.rex & 2U) << 2U);
    if (index != 4) { // R12 is an index, RSP is none
        out_.memory.index = static_cast<std::uint8_t>(index);
        out_.memory.scale = static_cast<std::uint8_t>(1U << (sib >> 6U));
    }
    if ((sib & 7U) == 5 && mod == 0) { // of R13, too: REX is not looked at
        out_.memory.displacement = in_.sign_extended(4);
        return;
    }
    out_.memory.base = static_cast<std::uint8_t>((sib & 7U) | ((prefixes_.rex & 1U) << 3U));
    if (out_.memory.base == 4 || out_.memory.base == 5) {
        out_.memory.segment = Segment::ss;
    }
    read_displacement(mod, 4);
}

void Decoder::read_displacement(unsigned mod, std::size_t wide) {
    if (mod == 1) {
        out_.memory.displacement = in_.sign_extended(1);
    } else if (mod == 2) {
        out_.memory.displacement = in_.sign_extended(wide);
    }
}

void Decoder::read_immediates() {
    if (out_.map == OpcodeMap::three_dnow) {
        out_.opcode = in_.byte();
        if (!is_3dnow_suffix(out_.opcode)) {
            in_.refuse();
        }
        return;
    }
    // 16-bit branches exist in 64-bit mode as well: AMD's processors obey 66 there, Intel's do not.
    const std::size_t z_size = out_.operand_size == 2 ? 2 : 4;
    if ((shape_ & shape::moffs) != 0) {
        out_.has_memory = true;
        out_.memory.address_size = out_.address_size;
        out_.memory.segment = prefixes_.has_segment ? prefixes_.segment : Segment::ds;
        out_.memory.displacement = in_.sign_extended(out_.address_size);
    }
    if ((shape_ & shape::far_ptr) != 0) {
        in_.little_endian(z_size + 2);
    }
    if ((shape_ & shape::imm_z) != 0) {
        out_.immediate = in_.sign_extended(z_size);
    }
    if ((shape_ & shape::imm_v) != 0) {
        out_.immediate = in_.sign_extended(out_.operand_size);
    }
    if ((shape_ & shape::imm32) != 0) {
        out_.immediate = in_.sign_extended(4);
    }
    if ((shape_ & shape::imm16) != 0) {
        out_.immediate = in_.sign_extended(2);
    }
    if ((shape_ & shape::imm8) != 0) {
        // ENTER has both: its second one is of no use to anybody here.
        const std::int64_t value = in_.sign_extended(1);
        out_.immediate = (shape_ & shape::imm16) != 0 ? out_.immediate : value;
    }
    // String instructions, which have no ModRM to carry it.
    if (!out_.has_memory && prefixes_.has_segment) {
        out_.memory.segment = prefixes_.segment;
    }
}

} // namespace

DecodeResult decode(std::span<const std::uint8_t> bytes, CodeMode mode) {
    return Decoder(bytes, mode).run();
}

} // namespace mshv::standin
