// SPDX-License-Identifier: Apache-2.0
#include "daemon/keeper/query_filter.hpp"

#include <boost/test/unit_test.hpp>

using namespace mshv::keeper;

namespace {

/// Filtered in one piece, and byte by byte: the cut must not matter.
std::string filtered(std::string_view bytes) {
    QueryFilter whole;
    std::string once = whole.filter(bytes);
    once += whole.finish();
    QueryFilter pieces;
    std::string cut;
    for (const char c : bytes) {
        cut += pieces.filter({&c, 1});
    }
    cut += pieces.finish();
    BOOST_TEST(once == cut);
    BOOST_TEST(whole.take_removed() == bytes.size() - once.size());
    return once;
}

} // namespace

BOOST_AUTO_TEST_SUITE(query_filter)

BOOST_AUTO_TEST_CASE(questions_are_taken_out) {
    for (const char* question :
         {"\x1b[6n", "\x1b[5n", "\x1b[?6n", "\x1b[c", "\x1b[0c", "\x1b[>c", "\x1b[=c", "\x1bZ",
          "\x1b[>0q", "\x1b[?2026$p", "\x1b[14t", "\x1b[18t", "\x1b[?u", "\x05", "\x1b]10;?\x07",
          "\x1b]11;?\x1b\\", "\x1b]52;c;?\x07", "\x1bP$qm\x1b\\", "\x1bP+q544e\x1b\\"}) {
        BOOST_TEST(filtered(std::string("a") + question + "b") == "ab");
    }
}

BOOST_AUTO_TEST_CASE(everything_else_stays) {
    for (const char* shown :
         {"plain\r\n", "\x1b[31mred\x1b[0m", "\x1b[2J\x1b[1;1H", "\x1b]0;title\x07",
          "\x1b]8;;http://x/?y\x1b\\", "\x1b[8;24;80t", "\x1b(B", "\x1b[1 q", "\x1b", "\x1b[",
          "\x1b[12", "\x1b]0;unfinished", "\x1b[31\x1b[32m", "\xc3\xa9\x80"}) {
        BOOST_TEST(filtered(shown) == shown);
    }
    const std::string endless = "\x1b]" + std::string(5000, 'x') + ";?";
    BOOST_TEST(filtered(endless) == endless);
}

BOOST_AUTO_TEST_CASE(an_unfinished_question_goes_on_live) {
    QueryFilter filter;
    BOOST_TEST(filter.filter("x\x1b[6") == "x");
    BOOST_TEST(filter.held() == 3U);
    BOOST_TEST(filter.finish() == "\x1b[6");
}

BOOST_AUTO_TEST_SUITE_END()
