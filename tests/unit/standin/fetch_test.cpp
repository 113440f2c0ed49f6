// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/decode/fetch.hpp"
#include "tests/unit/standin/tables.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace mshv::standin;
using enum CodeMode;

/// Linear 0x400000 is at 0x9000 and 0x401000 at 0x7000, so that pages do not follow each other; the
/// bytes count up from 0x400ff0 on.
struct Guest {
    Guest() {
        memory.word(0x1000) = 0x2000 | all_rights;
        memory.word(0x2000) = 0x3000 | all_rights;
        memory.word(0x3000 + 2 * 8) = 0x4000 | all_rights;
        memory.word(0x4000) = 0x9000 | all_rights;
        memory.word(0x4000 + 8) = 0x7000 | all_rights;
        for (std::uint8_t at = 0; at < 16; ++at) {
            memory.set8(0x9ff0U + at, at);
            memory.set8(0x7000U + at, static_cast<std::uint8_t>(16 + at));
        }
    }
    FetchResult fetch(std::uint64_t rip) {
        location.rip = rip;
        return fetch_instruction(memory.reading(), state, location);
    }
    Memory memory;
    PagingState state{cr0_pg, 0x1000, cr4_pae, efer_lma | efer_nxe, 2, 40, true};
    CodeLocation location;
};

void check_counts_up(const FetchResult& result, unsigned first) {
    for (std::size_t at = 0; at < result.count; ++at) {
        BOOST_TEST(unsigned{result.bytes[at]} == first + at);
    }
}

BOOST_AUTO_TEST_CASE(within_and_across_pages) {
    Guest guest;
    for (unsigned offset = 0; offset < 16; ++offset) {
        const auto result = guest.fetch(0x400ff0 + offset);
        BOOST_TEST(unsigned{result.count} == 15U);
        BOOST_TEST(result.span().size() == 15U);
        check_counts_up(result, offset);
    }
    guest.location.base = 0x12345000; // no base counts in 64-bit mode
    BOOST_TEST(unsigned{guest.fetch(0x400ff0).bytes[1]} == 1U);
}

BOOST_AUTO_TEST_CASE(second_page_is_missing) {
    Guest guest;
    guest.memory.word(0x4000 + 8) = 0;
    const auto result = guest.fetch(0x400ffa);
    BOOST_TEST(unsigned{result.count} == 6U);
    BOOST_TEST(result.stopped_by == WalkStatus::not_present);
    check_counts_up(result, 10);
    BOOST_TEST(unsigned{guest.fetch(0x401000).count} == 0U);
    guest.memory.word(0x4000 + 8) = 0x7000 | all_rights | no_execute;
    BOOST_TEST(guest.fetch(0x400ffa).stopped_by == WalkStatus::no_execute);
    guest.memory.word(0x4000 + 8) = 0xb000 | all_rights; // mapped to where nothing is
    BOOST_TEST(unsigned{guest.fetch(0x400ffa).count} == 6U);
    BOOST_TEST(guest.fetch(0x400ffa).stopped_by == WalkStatus::ok);
    guest.location.user = true;
    guest.memory.word(0x4000) = 0x9000 | present;
    BOOST_TEST(guest.fetch(0x400ff0).stopped_by == WalkStatus::supervisor_only);
}

BOOST_AUTO_TEST_CASE(segments) {
    Guest guest;
    guest.state = {};
    guest.location.mode = real16;
    guest.location.base = 0x9000;
    guest.location.limit = 0xffff;
    BOOST_TEST(unsigned{guest.fetch(0x0ff2).count} == 14U); // 0xa000 is not there
    check_counts_up(guest.fetch(0x0ff2), 2);
    guest.location.limit = 0x0ff5;
    BOOST_TEST(unsigned{guest.fetch(0x0ff2).count} == 4U);
    BOOST_TEST(unsigned{guest.fetch(0x0ff5).count} == 1U);
    BOOST_TEST(unsigned{guest.fetch(0x0ff6).count} == 0U);
    guest.location.mode = protected32;
    guest.location.limit = 0xffffffff;
    guest.location.base = 0xffff0000;
    BOOST_TEST(unsigned{guest.fetch(0x19ff0).bytes[3]} == 3U); // wraps at 4G
}

} // namespace
