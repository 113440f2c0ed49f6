// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/standin/decode_bytes.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace mshv::standin;
using enum CodeMode;
using enum Operation;
using Kind = OperandKind;

/// An instruction, and what it is. Registers count as ModRM does; 16 and up are AH, CH, DH, BH.
struct Form {
    Bytes bytes;
    CodeMode mode;
    Operation operation;
    Kind to;
    int to_register;
    Kind from;
    int from_register;
    int to_size;
    int from_size;
    std::int64_t immediate = 0;
};

int register_of(const Operand& operand) {
    if (operand.kind != Kind::reg) {
        return -1;
    }
    return operand.high_byte ? operand.reg + 16 : operand.reg;
}

void check(const Form& form) {
    BOOST_TEST_CONTEXT("bytes " << std::hex << +form.bytes[0] << ' ' << +form.bytes.back()) {
        const auto result = decode_bytes(form.bytes, form.mode);
        BOOST_TEST_REQUIRE(result.status == DecodeStatus::ok);
        const Instruction& is = result.instruction;
        BOOST_TEST(is.length == form.bytes.size());
        BOOST_TEST(is.operation == form.operation);
        BOOST_TEST(is.destination.kind == form.to);
        BOOST_TEST(is.source.kind == form.from);
        BOOST_TEST(register_of(is.destination) == form.to_register);
        BOOST_TEST(register_of(is.source) == form.from_register);
        BOOST_TEST(int{is.destination.size} == form.to_size);
        BOOST_TEST(int{is.source.size} == form.from_size);
        BOOST_TEST(is.immediate == form.immediate);
    }
}

constexpr int ah = 16;
constexpr int bh = 19;

BOOST_AUTO_TEST_CASE(moves) {
    const Form forms[] = {
        {{0x88, 0x18}, long64, mov, Kind::memory, -1, Kind::reg, 3, 1, 1},
        {{0x88, 0x20}, long64, mov, Kind::memory, -1, Kind::reg, ah, 1, 1},
        {{0x40, 0x88, 0x20}, long64, mov, Kind::memory, -1, Kind::reg, 4, 1, 1}, // SPL
        {{0x44, 0x88, 0x38}, long64, mov, Kind::memory, -1, Kind::reg, 15, 1, 1},
        {{0x89, 0x08}, long64, mov, Kind::memory, -1, Kind::reg, 1, 4, 4},
        {{0x66, 0x89, 0x08}, long64, mov, Kind::memory, -1, Kind::reg, 1, 2, 2},
        {{0x4c, 0x89, 0x08}, long64, mov, Kind::memory, -1, Kind::reg, 9, 8, 8},
        {{0x66, 0x48, 0x89, 0x08}, long64, mov, Kind::memory, -1, Kind::reg, 1, 8, 8},
        {{0x48, 0x66, 0x89, 0x08}, long64, mov, Kind::memory, -1, Kind::reg, 1, 2, 2},
        {{0x8a, 0x3b}, long64, mov, Kind::reg, bh, Kind::memory, -1, 1, 1},
        {{0x8b, 0x03}, long64, mov, Kind::reg, 0, Kind::memory, -1, 4, 4},
        {{0x8b, 0x07}, real16, mov, Kind::reg, 0, Kind::memory, -1, 2, 2},
        {{0x66, 0x8b, 0x07}, real16, mov, Kind::reg, 0, Kind::memory, -1, 4, 4},
        {{0x41, 0x8b, 0xc5}, long64, mov, Kind::reg, 0, Kind::reg, 13, 4, 4},
        {{0xc6, 0x00, 0x80}, long64, mov, Kind::memory, -1, Kind::immediate, -1, 1, 1, -128},
        {{0xc7, 0x00, 1, 0, 0, 0x80},
         long64,
         mov,
         Kind::memory,
         -1,
         Kind::immediate,
         -1,
         4,
         4,
         -0x7fffffff},
        {{0x66, 0xc7, 0x00, 0xfe, 0xff},
         long64,
         mov,
         Kind::memory,
         -1,
         Kind::immediate,
         -1,
         2,
         2,
         -2},
        {{0x48, 0xc7, 0x00, 0xff, 0xff, 0xff, 0xff},
         long64,
         mov,
         Kind::memory,
         -1,
         Kind::immediate,
         -1,
         8,
         8,
         -1},
        {{0xa0, 1, 2, 3, 4, 5, 6, 7, 8}, long64, mov, Kind::reg, 0, Kind::memory, -1, 1, 1},
        {{0x48, 0xa1, 1, 2, 3, 4, 5, 6, 7, 8}, long64, mov, Kind::reg, 0, Kind::memory, -1, 8, 8},
        {{0x67, 0xa1, 1, 2, 3, 4}, long64, mov, Kind::reg, 0, Kind::memory, -1, 4, 4},
        {{0xa2, 1, 2, 3, 4}, protected32, mov, Kind::memory, -1, Kind::reg, 0, 1, 1},
        {{0xa3, 1, 2}, real16, mov, Kind::memory, -1, Kind::reg, 0, 2, 2},
        {{0x0f, 0xc3, 0x08}, long64, mov, Kind::memory, -1, Kind::reg, 1, 4, 4}, // MOVNTI
    };
    for (const Form& form : forms) {
        check(form);
    }
}

BOOST_AUTO_TEST_CASE(moves_that_extend) {
    const Form forms[] = {
        {{0x0f, 0xb6, 0x08}, long64, movzx, Kind::reg, 1, Kind::memory, -1, 4, 1},
        {{0x66, 0x0f, 0xb6, 0x08}, long64, movzx, Kind::reg, 1, Kind::memory, -1, 2, 1},
        {{0x48, 0x0f, 0xb7, 0x08}, long64, movzx, Kind::reg, 1, Kind::memory, -1, 8, 2},
        {{0x0f, 0xb6, 0xc4}, long64, movzx, Kind::reg, 0, Kind::reg, ah, 4, 1},
        {{0x44, 0x0f, 0xbe, 0x08}, long64, movsx, Kind::reg, 9, Kind::memory, -1, 4, 1},
        {{0x0f, 0xbf, 0x08}, protected32, movsx, Kind::reg, 1, Kind::memory, -1, 4, 2},
        {{0x48, 0x63, 0x08}, long64, movsx, Kind::reg, 1, Kind::memory, -1, 8, 4},
        {{0x63, 0x08}, long64, movsx, Kind::reg, 1, Kind::memory, -1, 4, 4},
        {{0x63, 0x08}, protected32, length_only, Kind::none, -1, Kind::none, -1, 0, 0}, // ARPL
    };
    for (const Form& form : forms) {
        check(form);
    }
}

BOOST_AUTO_TEST_CASE(arithmetic) {
    const Operation by_number[] = {add, bit_or, adc, sbb, bit_and, sub, bit_xor, cmp};
    for (std::uint8_t number = 0; number < 8; ++number) {
        const auto opcode = static_cast<std::uint8_t>(number * 8);
        const auto modrm = static_cast<std::uint8_t>(number * 8);
        const auto is = by_number[number];
        const auto op = [&](unsigned form) { return static_cast<std::uint8_t>(opcode + form); };
        check({{op(0), 0x10}, long64, is, Kind::memory, -1, Kind::reg, 2, 1, 1});
        check({{0x48, op(1), 0x10}, long64, is, Kind::memory, -1, Kind::reg, 2, 8, 8});
        check({{op(2), 0x10}, long64, is, Kind::reg, 2, Kind::memory, -1, 1, 1});
        check({{op(3), 0x10}, long64, is, Kind::reg, 2, Kind::memory, -1, 4, 4});
        check({{op(4), 0x10}, long64, is, Kind::reg, 0, Kind::immediate, -1, 1, 1, 16});
        check({{op(5), 1, 0xff}, real16, is, Kind::reg, 0, Kind::immediate, -1, 2, 2, -255});
        check({{0x80, modrm, 0xff}, long64, is, Kind::memory, -1, Kind::immediate, -1, 1, 1, -1});
        check({{0x81, modrm, 1, 2, 0, 0},
               long64,
               is,
               Kind::memory,
               -1,
               Kind::immediate,
               -1,
               4,
               4,
               0x201});
        check({{0x48, 0x83, modrm, 0xff},
               long64,
               is,
               Kind::memory,
               -1,
               Kind::immediate,
               -1,
               8,
               8,
               -1});
    }
}

BOOST_AUTO_TEST_CASE(other_operations) {
    const Form forms[] = {
        {{0x84, 0x08}, long64, test, Kind::memory, -1, Kind::reg, 1, 1, 1},
        {{0x85, 0x08}, long64, test, Kind::memory, -1, Kind::reg, 1, 4, 4},
        {{0xa9, 1, 0, 0, 0}, long64, test, Kind::reg, 0, Kind::immediate, -1, 4, 4, 1},
        {{0xf6, 0x00, 0x80}, long64, test, Kind::memory, -1, Kind::immediate, -1, 1, 1, -128},
        {{0xf7, 0x08, 1, 0, 0, 0}, long64, test, Kind::memory, -1, Kind::immediate, -1, 4, 4, 1},
        {{0xf7, 0x10}, long64, bit_not, Kind::memory, -1, Kind::none, -1, 4, 0},
        {{0xf6, 0x18}, long64, neg, Kind::memory, -1, Kind::none, -1, 1, 0},
        {{0xf7, 0x20}, long64, length_only, Kind::none, -1, Kind::none, -1, 0, 0}, // MUL
        {{0x86, 0x08}, long64, xchg, Kind::memory, -1, Kind::reg, 1, 1, 1},
        {{0x87, 0x08}, long64, xchg, Kind::memory, -1, Kind::reg, 1, 4, 4},
        {{0xfe, 0x00}, long64, inc, Kind::memory, -1, Kind::none, -1, 1, 0},
        {{0x48, 0xff, 0x08}, long64, dec, Kind::memory, -1, Kind::none, -1, 8, 0},
        {{0xff, 0x10}, long64, length_only, Kind::none, -1, Kind::none, -1, 0, 0}, // CALL
        {{0x0f, 0xa3, 0x08}, long64, bt, Kind::memory, -1, Kind::reg, 1, 4, 4},
        {{0x48, 0x0f, 0xab, 0x08}, long64, bts, Kind::memory, -1, Kind::reg, 1, 8, 8},
        {{0x0f, 0xb3, 0x08}, long64, btr, Kind::memory, -1, Kind::reg, 1, 4, 4},
        {{0x0f, 0xbb, 0x08}, long64, btc, Kind::memory, -1, Kind::reg, 1, 4, 4},
        {{0x0f, 0xba, 0x20, 5}, long64, bt, Kind::memory, -1, Kind::immediate, -1, 4, 4, 5},
        {{0x0f, 0xba, 0x28, 5}, long64, bts, Kind::memory, -1, Kind::immediate, -1, 4, 4, 5},
        {{0x0f, 0xba, 0x30, 5}, long64, btr, Kind::memory, -1, Kind::immediate, -1, 4, 4, 5},
        {{0x0f, 0xba, 0x38, 5}, long64, btc, Kind::memory, -1, Kind::immediate, -1, 4, 4, 5},
        {{0x0f, 0xc0, 0x08}, long64, xadd, Kind::memory, -1, Kind::reg, 1, 1, 1},
        {{0x0f, 0xb1, 0x08}, long64, cmpxchg, Kind::memory, -1, Kind::reg, 1, 4, 4},
        {{0x0f, 0xa2}, long64, cpuid, Kind::none, -1, Kind::none, -1, 0, 0},
        {{0x0f, 0x30}, long64, wrmsr, Kind::none, -1, Kind::none, -1, 0, 0},
        {{0x0f, 0x32}, long64, rdmsr, Kind::none, -1, Kind::none, -1, 0, 0},
        {{0x0f, 0x01, 0xd9}, long64, vmmcall, Kind::none, -1, Kind::none, -1, 0, 0},
        {{0x0f, 0x01, 0xd8}, long64, length_only, Kind::none, -1, Kind::none, -1, 0, 0}, // VMRUN
        {{0xf4}, long64, hlt, Kind::none, -1, Kind::none, -1, 0, 0},
        {{0xe4, 0x80}, long64, input, Kind::reg, 0, Kind::immediate, -1, 1, 1, 0x80},
        {{0xe7, 0xf8}, long64, output, Kind::immediate, -1, Kind::reg, 0, 1, 4, 0xf8},
        {{0x66, 0xed}, long64, input, Kind::reg, 0, Kind::reg, 2, 2, 2},
        {{0x48, 0xef}, long64, output, Kind::reg, 2, Kind::reg, 0, 2, 4},
    };
    for (const Form& form : forms) {
        check(form);
    }
}

BOOST_AUTO_TEST_CASE(strings) {
    const Form forms[] = {
        {{0xf3, 0xa4}, long64, movs, Kind::string_target, -1, Kind::memory, -1, 1, 1},
        {{0x48, 0xa5}, long64, movs, Kind::string_target, -1, Kind::memory, -1, 8, 8},
        {{0xaa}, long64, stos, Kind::string_target, -1, Kind::reg, 0, 1, 1},
        {{0x66, 0xab}, real16, stos, Kind::string_target, -1, Kind::reg, 0, 4, 4},
        {{0xad}, long64, lods, Kind::reg, 0, Kind::memory, -1, 4, 4},
        {{0xa6}, long64, cmps, Kind::memory, -1, Kind::string_target, -1, 1, 1},
        {{0xaf}, long64, scas, Kind::reg, 0, Kind::string_target, -1, 4, 4},
        {{0x6d}, long64, ins, Kind::string_target, -1, Kind::reg, 2, 4, 2},
        {{0x6e}, long64, outs, Kind::reg, 2, Kind::memory, -1, 2, 1},
    };
    for (const Form& form : forms) {
        check(form);
    }
    const auto moved = decode_bytes({0xf3, 0x64, 0x67, 0xa5}).instruction;
    BOOST_TEST(moved.repeat == Repeat::equal);
    BOOST_TEST(moved.memory.segment == Segment::fs);
    BOOST_TEST(int{moved.memory.base} == 6);
    BOOST_TEST(int{moved.memory.address_size} == 4);
    BOOST_TEST(moved.string_target.segment == Segment::es);
    BOOST_TEST(int{moved.string_target.base} == 7);
    BOOST_TEST(int{moved.string_target.address_size} == 4);
}

} // namespace
