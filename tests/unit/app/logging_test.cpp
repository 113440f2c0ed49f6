// SPDX-License-Identifier: Apache-2.0
#include "daemon/app/logging.hpp"

#include <boost/test/unit_test.hpp>

using namespace mshv;

BOOST_AUTO_TEST_SUITE(logging)

BOOST_AUTO_TEST_CASE(one_event_is_one_printable_line) {
    const std::string line = app::log_line("a\nb\r\x1b[2J\x9b");
    BOOST_TEST(line == "a\\nb\\x0d\\x1b[2J\\x9b");
}

BOOST_AUTO_TEST_CASE(a_long_text_is_cut_and_marked) {
    const std::string line = app::log_line(std::string(1'000'000, 'x'));
    BOOST_TEST(line.size() < 2100U);
    BOOST_TEST(line.ends_with("[…]"));
}

BOOST_AUTO_TEST_SUITE_END()
