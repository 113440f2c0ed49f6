// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/decode/operands.hpp"
#include "tests/unit/standin/decode_bytes.hpp"

#include <array>
#include <boost/test/unit_test.hpp>

namespace {

using namespace mshv::standin;
using enum CodeMode;

constexpr std::uint64_t rip = 0xffffffff81000000;

/// Register n is 0x1000 * (n + 1), segment base n is 0x10'0000 * (n + 1).
struct Machine {
    Machine() {
        for (std::size_t at = 0; at < registers.size(); ++at) {
            registers[at] = 0x1000 * (at + 1);
        }
        for (std::size_t at = 0; at < bases.size(); ++at) {
            bases[at] = 0x100000 * (at + 1);
        }
    }
    [[nodiscard]] std::uint64_t address(const Bytes& bytes, CodeMode mode = long64) const {
        const auto result = decode_bytes(bytes, mode);
        BOOST_TEST_REQUIRE(result.ok());
        BOOST_TEST(result.instruction.length == bytes.size());
        BOOST_TEST(result.instruction.has_memory);
        return linear_address(result.instruction, result.instruction.memory,
                              {registers, bases, rip});
    }
    std::array<std::uint64_t, 16> registers{};
    std::array<std::uint64_t, 6> bases{};
};

BOOST_AUTO_TEST_CASE(addresses_of_64_bits) {
    Machine at;
    BOOST_TEST(at.address({0x8b, 0x03}) == 0x4000U);
    BOOST_TEST(at.address({0x8b, 0x43, 0xf0}) == 0x3ff0U);
    BOOST_TEST(at.address({0x8b, 0x83, 0, 1, 0, 0}) == 0x4100U);
    BOOST_TEST(at.address({0x41, 0x8b, 0x03}) == 0xc000U);
    BOOST_TEST(at.address({0x8b, 0x04, 0x24}) == 0x5000U);               // [rsp]
    BOOST_TEST(at.address({0x8b, 0x04, 0xcb}) == 0x4000U + 8 * 0x2000U); // [rbx+rcx*8]
    BOOST_TEST(at.address({0x42, 0x8b, 0x04, 0x23}) == 0x11000U);        // [rbx+r12]
    BOOST_TEST(at.address({0x8b, 0x04, 0x25, 0, 3, 0xe0, 0xfe}) == 0xfffffffffee00300U);
    BOOST_TEST(at.address({0x8b, 0x04, 0x4d, 4, 0, 0, 0}) == 0x4004U); // [rcx*2+4]
    BOOST_TEST(at.address({0x41, 0x8b, 0x45, 1}) == 0xe001U);          // [r13+1]
    BOOST_TEST(at.address({0x41, 0x8b, 0x04, 0x24}) == 0xd000U);       // [r12]
    BOOST_TEST(at.address({0x8b, 0x05, 0x10, 0, 0, 0}) == rip + 6 + 0x10);
    BOOST_TEST(at.address({0x67, 0x8b, 0x05, 0x10, 0, 0, 0}) == 0x81000017U);
    BOOST_TEST(at.address({0x64, 0x8b, 0x03}) == 0x504000U);
    BOOST_TEST(at.address({0x3e, 0x8b, 0x03}) == 0x4000U);
    BOOST_TEST(at.address({0xa1, 1, 2, 3, 4, 5, 6, 7, 8}) == 0x0807060504030201U);
    at.registers[3] = 0x100000010;
    BOOST_TEST(at.address({0x67, 0x8b, 0x43, 0xf0}) == 0U);
    BOOST_TEST(at.address({0xac}) == 0x7000U);
}

BOOST_AUTO_TEST_CASE(addresses_of_32_and_16_bits) {
    Machine at;
    BOOST_TEST(at.address({0x8b, 0x03}, protected32) == 0x404000U);       // ds
    BOOST_TEST(at.address({0x8b, 0x45, 0}, protected32) == 0x306000U);    // ss:[ebp]
    BOOST_TEST(at.address({0x8b, 0x04, 0x24}, protected32) == 0x305000U); // ss:[esp]
    BOOST_TEST(at.address({0x8b, 0x05, 0, 0, 0x10, 0}, protected32) == 0x500000U);
    BOOST_TEST(at.address({0x8b, 0x05, 0, 0, 0xf0, 0xff}, protected32) == 0x300000U); // wraps
    BOOST_TEST(at.address({0x8b, 0x00}, real16) == 0x400000U + 0xb000U);              // [bx+si]
    BOOST_TEST(at.address({0x8b, 0x43, 2}, real16) == 0x300000U + 0xe002U); // ss:[bp+di+2]
    BOOST_TEST(at.address({0x8b, 0x07}, real16) == 0x404000U);
    BOOST_TEST(at.address({0x8b, 0x06, 0x34, 0xf2}, real16) == 0x40f234U);
    BOOST_TEST(at.address({0x8b, 0x46, 0xff}, real16) == 0x305fffU);
    BOOST_TEST(at.address({0x26, 0x8b, 0x07}, real16) == 0x104000U);
    BOOST_TEST(at.address({0x67, 0x8b, 0x03}, real16) == 0x404000U);
    at.registers[3] = 0xffff;
    BOOST_TEST(at.address({0x8b, 0x47, 2}, real16) == 0x400001U); // within the segment
    at.bases[3] = 0xfffffff0;
    BOOST_TEST(at.address({0x8b, 0x04}, real16) == 0x6ff0U); // ds:[si]
}

BOOST_AUTO_TEST_CASE(bit_strings) {
    Machine at;
    at.registers[1] = 67; // the bit
    BOOST_TEST(at.address({0x0f, 0xa3, 0x0b}) == 0x4008U);
    BOOST_TEST(at.address({0x48, 0x0f, 0xab, 0x0b}) == 0x4008U);
    BOOST_TEST(at.address({0x66, 0x0f, 0xb3, 0x0b}) == 0x4008U);
    at.registers[1] = static_cast<std::uint64_t>(-1);
    BOOST_TEST(at.address({0x0f, 0xa3, 0x0b}) == 0x3ffcU);
    BOOST_TEST(at.address({0x66, 0x0f, 0xbb, 0x0b}) == 0x3ffeU);
    BOOST_TEST(at.address({0x0f, 0xba, 0x2b, 67}) == 0x4000U); // an immediate stays in the word
}

BOOST_AUTO_TEST_CASE(registers) {
    std::array<std::uint64_t, 16> all{};
    all[0] = 0x1122334455667788;
    const auto reg = [](std::uint8_t size, bool high) {
        return Operand{OperandKind::reg, size, 0, high};
    };
    BOOST_TEST(read_register(reg(1, false), all) == 0x88U);
    BOOST_TEST(read_register(reg(1, true), all) == 0x77U);
    BOOST_TEST(read_register(reg(2, false), all) == 0x7788U);
    BOOST_TEST(read_register(reg(8, false), all) == all[0]);
    write_register(reg(1, true), 0x1aa, all);
    BOOST_TEST(all[0] == 0x112233445566aa88U);
    write_register(reg(2, false), 0x1bbcc, all);
    BOOST_TEST(all[0] == 0x112233445566bbccU);
    write_register(reg(4, false), 0x1ffffffff, all);
    BOOST_TEST(all[0] == 0xffffffffU);
}

} // namespace
