// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/standin/decode_bytes.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace mshv::standin;
using enum CodeMode;

/// 0 for what is no instruction.
unsigned length(const Bytes& bytes, CodeMode mode = long64) {
    const auto result = decode_bytes(bytes, mode);
    return result.ok() ? result.instruction.length : 0;
}

BOOST_AUTO_TEST_CASE(sizes_by_mode) {
    const Bytes far_jump = {0xea, 1, 2, 3, 4, 5, 6};
    BOOST_TEST(length(far_jump) == 0U);
    BOOST_TEST(length(far_jump, protected32) == 7U);
    BOOST_TEST(length(far_jump, real16) == 5U);
    const Bytes move = {0xb8, 1, 2, 3, 4, 5, 6, 7, 8};
    BOOST_TEST(length(move) == 5U);
    BOOST_TEST(length(move, protected16) == 3U);
    BOOST_TEST(length({0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8}) == 10U);
    BOOST_TEST(decode_bytes({0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8}).instruction.immediate ==
               0x0807060504030201);
    BOOST_TEST(length({0xc8, 1, 2, 3}) == 4U);                      // ENTER
    BOOST_TEST(length({0xe8, 1, 2, 3, 4}) == 5U);                   // CALL
    BOOST_TEST(length({0x66, 0xe8, 1, 2, 3, 4}) == 4U);             // AMD's
    BOOST_TEST(length({0x66, 0x66, 0x48, 0xe8, 1, 2, 3, 4}) == 8U); // REX.W wins
    BOOST_TEST(length({0x0f, 0x84, 1, 2, 3, 4}, real16) == 4U);
    BOOST_TEST(length({0xc7, 0xf8, 1, 2, 3, 4}) == 6U);       // XBEGIN
    BOOST_TEST(length({0x0f, 0x20, 0x04}) == 3U);             // MOV CR: mod is ignored
    BOOST_TEST(length({0x66, 0x0f, 0x78, 0xc0, 1, 2}) == 6U); // EXTRQ
    BOOST_TEST(length({0x0f, 0x78, 0xc0, 1, 2}) == 3U);       // VMREAD
    BOOST_TEST(length({0x0f, 0x0f, 0x40, 1, 0x9e}) == 5U);    // PFADD
    BOOST_TEST(length({0x0f, 0x0f, 0x40, 1, 0x00}) == 0U);
}

BOOST_AUTO_TEST_CASE(vector_prefixes) {
    BOOST_TEST(length({0xc5, 0xf8, 0x77}) == 3U);                         // VZEROUPPER
    BOOST_TEST(length({0xc5, 0xf8, 0x28, 0x44, 0x24, 8}) == 6U);          // VMOVAPS
    BOOST_TEST(length({0xc4, 0xe3, 0xfd, 0x00, 0xc0, 0x1b}) == 6U);       // VPERMQ
    BOOST_TEST(length({0xc4, 0xe2, 0x7d, 0x18, 0x05, 1, 2, 3, 4}) == 9U); // VBROADCASTSS
    BOOST_TEST(length({0x62, 0xf1, 0x7c, 0x48, 0x58, 0x50, 1}) == 7U);    // VADDPS
    BOOST_TEST(length({0x62, 0xf3, 0x75, 0x48, 0x25, 0xc2, 0xff}) == 7U); // VPTERNLOGD
    BOOST_TEST(length({0x62, 0xf5, 0x7c, 0x48, 0x58, 0xc2}) == 6U);       // VADDPH
    BOOST_TEST(length({0x62, 0xf1, 0x78, 0x48, 0x58, 0xc2}) == 0U);       // a fixed bit is clear
    BOOST_TEST(length({0x8f, 0xe8, 0x78, 0xc0, 0xc1, 3}) == 6U);          // VPROTB
    BOOST_TEST(length({0x8f, 0xe9, 0x78, 0x01, 0xc8}) == 5U);             // BLCFILL
    BOOST_TEST(length({0x8f, 0xea, 0x78, 0x10, 0xc1, 1, 2, 3, 4}) == 9U); // BEXTR
    BOOST_TEST(length({0x66, 0xc5, 0xf8, 0x28, 0xc0}) == 0U);
    BOOST_TEST(length({0x48, 0xc5, 0xf8, 0x28, 0xc0}) == 0U);
    BOOST_TEST(length({0xf3, 0xc5, 0xf8, 0x28, 0xc0}) == 0U);
    BOOST_TEST(length({0x65, 0xc5, 0xf8, 0x28, 0x00}) == 5U);
    // What they are where they are none.
    BOOST_TEST(length({0xc5, 0x00}, protected32) == 2U); // LDS
    BOOST_TEST(length({0xc5, 0xf8, 0x77}, protected32) == 3U);
    BOOST_TEST(length({0xc5, 0xf8, 0x77}, real16) == 0U);
    BOOST_TEST(length({0x62, 0x00}, protected32) == 2U); // BOUND
    BOOST_TEST(length({0x8f, 0xc0}) == 2U);              // POP
}

BOOST_AUTO_TEST_CASE(undefined_opcodes) {
    const Bytes undefined[] = {{0x06},
                               {0x27},
                               {0x60},
                               {0x82, 0, 0},
                               {0x9a},
                               {0xd4, 10},
                               {0xd6},
                               {0x8d, 0xc0},
                               {0x8e, 0xc8},
                               {0xff, 0xf8},
                               {0xfe, 0xd0},
                               {0x0f, 0x04},
                               {0x0f, 0xba, 0xc0, 0},
                               {0x0f, 0xb2, 0xc0},
                               {0xff, 0xd8},
                               {0x0f, 0x38, 0x0c, 0},
                               {0x0f, 0xb8, 0}};
    for (const Bytes& bytes : undefined) {
        BOOST_TEST(decode_bytes(bytes).status == DecodeStatus::invalid);
    }
    for (const Bytes& bytes : {Bytes{0x06}, Bytes{0x27}, Bytes{0x60}, Bytes{0x82, 0, 0}}) {
        BOOST_TEST(decode_bytes(bytes, protected32).status == DecodeStatus::ok);
    }
}

BOOST_AUTO_TEST_CASE(limit_of_fifteen) {
    Bytes bytes(12, 0x66);
    bytes.insert(bytes.end(), {0x89, 0x40, 8});
    BOOST_TEST(length(bytes) == 15U);
    bytes.insert(bytes.begin(), 0x66);
    BOOST_TEST(decode_bytes(bytes).status == DecodeStatus::invalid);
    BOOST_TEST(decode_bytes(Bytes(14, 0x66)).status == DecodeStatus::truncated);
    BOOST_TEST(decode_bytes(Bytes(15, 0x66)).status == DecodeStatus::invalid);
    BOOST_TEST(decode_bytes({}).status == DecodeStatus::truncated);
}

BOOST_AUTO_TEST_CASE(truncated_at_every_byte) {
    const Bytes whole[] = {{0x66, 0x41, 0xc7, 0x84, 0x88, 1, 2, 3, 4, 5, 6},
                           {0xc8, 1, 2, 3},
                           {0x62, 0xf3, 0x75, 0x48, 0x25, 0x42, 1, 0xff},
                           {0xc4, 0xe3, 0xfd, 0x00, 0x40, 1, 2},
                           {0x48, 0xa1, 1, 2, 3, 4, 5, 6, 7, 8},
                           {0x0f, 0x0f, 0x40, 1, 0x9e},
                           {0x8f, 0xea, 0x78, 0x10, 0x40, 9, 1, 2, 3, 4},
                           {0xf7, 0x05, 1, 2, 3, 4, 5, 6, 7, 8},
                           {0x0f, 0x3a, 0x0f, 0x04, 0x25, 1, 2, 3, 4, 5}};
    for (const Bytes& bytes : whole) {
        BOOST_TEST(length(bytes) == bytes.size());
        for (std::size_t given = 0; given < bytes.size(); ++given) {
            const std::span<const std::uint8_t> part(bytes.data(), given);
            BOOST_TEST(decode(part, long64).status == DecodeStatus::truncated);
        }
    }
}

BOOST_AUTO_TEST_CASE(what_prefixes_say) {
    const auto locked = decode_bytes({0xf0, 0x64, 0x0f, 0xb1, 0x08}).instruction;
    BOOST_TEST(locked.lock);
    BOOST_TEST(locked.memory.segment == Segment::fs);
    // 3E is nothing in 64-bit mode, and what was said before stands.
    BOOST_TEST(decode_bytes({0x65, 0x3e, 0x8b, 0x00}).instruction.memory.segment == Segment::gs);
    BOOST_TEST(decode_bytes({0x65, 0x3e, 0x8b, 0x00}, protected32).instruction.memory.segment ==
               Segment::ds);
    BOOST_TEST(decode_bytes({0x26, 0x8b, 0x45, 0}, protected32).instruction.memory.segment ==
               Segment::es);
    BOOST_TEST(decode_bytes({0xf2, 0xf3, 0xaa}).instruction.repeat == Repeat::equal);
    BOOST_TEST(!decode_bytes({0xc5, 0xf8, 0x28, 0x00}).instruction.has_memory);
    BOOST_TEST(decode_bytes({0x0f, 0x11, 0x00}).instruction.has_memory);
}

} // namespace
