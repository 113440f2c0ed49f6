// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/console/terminal_filter.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using mshv::ctl::TerminalFilter;

/// The result must not depend on how the bytes are cut.
std::string filtered(std::string_view bytes) {
    TerminalFilter whole;
    const std::string at_once = whole.filter(bytes);
    TerminalFilter cut;
    std::string one_by_one;
    for (const char c : bytes) {
        one_by_one += cut.filter({&c, 1});
    }
    BOOST_TEST(at_once == one_by_one);
    return at_once;
}

BOOST_AUTO_TEST_SUITE(terminal_filter)

BOOST_AUTO_TEST_CASE(plain_text_colours_and_cursor_pass) {
    for (const std::string_view text :
         {"login: \r\n", "\x1b[1;31mred\x1b[0m", "\x1b[2J\x1b[H", "\x1b[?1049h", "\x1b(B",
          "\x1b"
          "7",
          "gr\xc3\xbc\xc3\x9f"
          "e \xe2\x82\xac",
          "\xc2\xa0", "\x1b[6n"}) {
        BOOST_TEST(filtered(text) == text);
    }
}

BOOST_AUTO_TEST_CASE(titles_clipboard_and_files_are_dropped) {
    BOOST_TEST(filtered("a\x1b]0;title\ab") == "ab");
    BOOST_TEST(filtered("a\x1b]2;title\x1b\\b") == "ab");
    BOOST_TEST(filtered("a\x1b]52;c;ZWNobyBoaQ==\ab") == "ab");
    BOOST_TEST(filtered("a\x1b]52;c;?\ab") == "ab");
    BOOST_TEST(filtered("a\x1b]1337;File=:AAAA\ab") == "ab");
    BOOST_TEST(filtered("a\x1b]l;odd\ab") == "ab");
    BOOST_TEST(filtered("a\x1bktitle\x1b\\b") == "ab");
    BOOST_TEST(filtered("a\x1bPtmux;\x1b\x1b]52;c;AA==\a\x1b\\b").find("52") == std::string::npos);
    BOOST_TEST(filtered("a\x1b_Gf=100;AAAA\x1b\\b") == "ab");
}

BOOST_AUTO_TEST_CASE(c1_controls_in_utf8_are_seen) {
    BOOST_TEST(filtered("a\xc2\x9d"
                        "52;c;AA==\ab") == "ab");
    BOOST_TEST(filtered("a\xc2\x9d"
                        "0;title\xc2\x9c"
                        "b") == "ab");
    BOOST_TEST(filtered("a\xc2\x9b"
                        "21tb") == "ab");
}

BOOST_AUTO_TEST_CASE(window_operations_are_dropped) {
    BOOST_TEST(filtered("a\x1b[21tb") == "ab");
    BOOST_TEST(filtered("a\x1b[8;1;1tb") == "ab");
}

BOOST_AUTO_TEST_CASE(hyperlinks_and_palette_pass) {
    for (const std::string_view text :
         {"\x1b]8;;http://x/\x1b\\x\x1b]8;;\x1b\\", "\x1b]4;1;rgb:0/0/0\a", "\x1b]104\a"}) {
        BOOST_TEST(filtered(text) == text);
    }
}

BOOST_AUTO_TEST_CASE(an_unfinished_string_hides_no_more_than_itself) {
    BOOST_TEST(filtered("a\x1b]0;never ended\x1b[1mb") == "a\x1b[1mb");
    BOOST_TEST(filtered("a\x1b]0;cancelled\x18"
                        "b") == "ab");
}

BOOST_AUTO_TEST_CASE(an_endless_sequence_is_not_held_for_ever) {
    TerminalFilter filter;
    std::size_t passed = 0;
    passed += filter.filter("\x1b[").size();
    for (int i = 0; i < 1000; ++i) {
        passed += filter.filter("1").size();
    }
    BOOST_TEST(passed > 900U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
