// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/import/support.hpp"
#include "toolstack/libs/import/xl_scan.hpp"

#include <boost/test/unit_test.hpp>

using namespace mshv::foreign;

namespace {

std::string first_fault(const std::string& text) {
    const XlDocument read = scan_xl(text);
    return read.faults.empty() ? "" : read.faults.front().message;
}

} // namespace

BOOST_AUTO_TEST_SUITE(xl_scan)

BOOST_AUTO_TEST_CASE(settings_by_lines_and_semicolons) {
    const XlDocument read = scan_xl("a = 1;b='x' # c = 3\n\n\t d=\"y\";;\r\ne=0x1F");
    BOOST_TEST(read.faults.empty());
    BOOST_REQUIRE_EQUAL(read.settings.size(), 4U);
    BOOST_TEST(read.settings[0].key == "a");
    BOOST_TEST(read.settings[1].value.text == "x");
    BOOST_TEST(read.settings[2].key == "d");
    BOOST_TEST(read.settings[3].value.text == "0x1F");
    BOOST_TEST((read.settings[3].value.kind == XlValue::Kind::number));
}

BOOST_AUTO_TEST_CASE(lists_nest_and_go_over_lines) {
    const XlDocument read = scan_xl("l = [ 'a', # one\n [ 1, 'b' ,],\n\n]\nm=[]");
    BOOST_TEST(read.faults.empty());
    BOOST_REQUIRE_EQUAL(read.settings.size(), 2U);
    const XlValue& list = read.settings[0].value;
    BOOST_REQUIRE_EQUAL(list.items.size(), 2U);
    BOOST_TEST(list.items[0].text == "a");
    BOOST_REQUIRE_EQUAL(list.items[1].items.size(), 2U);
    BOOST_TEST(list.items[1].items[0].text == "1");
    BOOST_TEST(read.settings[1].value.items.empty());
}

BOOST_AUTO_TEST_CASE(strings_have_escapes) {
    const XlDocument read = scan_xl(R"(a = 'q\'\"\\ \x41\102')");
    BOOST_REQUIRE_EQUAL(read.settings.size(), 1U);
    BOOST_TEST(read.settings[0].value.text == R"(q'"\ AB)");
    BOOST_TEST(first_fault(R"(a = 'C:\guests')") == "an unknown escape");
    BOOST_TEST(first_fault(R"(a = 'x\x00y')") ==
               "the escapes of this string do not make text on one line");
    BOOST_TEST(first_fault(R"(a = '\x80')") ==
               "the escapes of this string do not make text on one line");
}

BOOST_AUTO_TEST_CASE(faults_have_places) {
    const XlDocument read = scan_xl("good = 1\nbad = yes\n= 2\nopen = 'x\nlast = 3");
    BOOST_REQUIRE_EQUAL(read.faults.size(), 3U);
    BOOST_TEST(read.faults[0].at.offset == 15U);
    BOOST_TEST(read.faults[0].at.length == 3U);
    BOOST_TEST(read.faults[1].message == "a key is expected here");
    BOOST_TEST(read.faults[2].message == "the string is not closed");
    BOOST_TEST(read.settings.size() == 2U);
    BOOST_TEST(first_fault("x = 08") == "'08' is not a number");
    BOOST_TEST(first_fault("x = 0x") == "'0x' is not a number");
    BOOST_TEST(first_fault("x = 12ab") == "'12ab' is not a number");
    BOOST_TEST(first_fault("x = [ 1, 2") == "the list is not closed");
    BOOST_TEST(first_fault("x = [ 1 2 ]") == "',' or ']' is expected here");
    BOOST_TEST(first_fault("x = 1 2") == "more than one value");
    BOOST_TEST(first_fault("x =") == "a value is missing");
    BOOST_TEST(first_fault("import os") == "no '=' follows 'import'");
}

BOOST_AUTO_TEST_CASE(limits_hold) {
    BOOST_TEST(scan_xl(std::string(XlLimits::document + 1, ' ')).faults.at(0).limit);
    std::string many;
    for (std::size_t i = 0; i <= XlLimits::settings; ++i) {
        many += "k=1\n";
    }
    BOOST_TEST(scan_xl(many).faults.at(0).limit);
    BOOST_TEST(scan_xl("k=" + std::string(100'000, '[')).faults.at(0).limit);
    std::string wide = "k=[";
    for (std::size_t i = 0; i <= XlLimits::values; ++i) {
        wide += "1,";
    }
    BOOST_TEST(scan_xl(wide + "]").faults.at(0).limit);
    BOOST_TEST(scan_xl("k='" + std::string(XlLimits::text + 1, 'a') + "'").faults.at(0).limit);
    BOOST_TEST(scan_xl(std::string(100'000, '\'')).faults.size() == 1U);
    std::string bad;
    for (int i = 0; i < 10'000; ++i) {
        bad += "?\n";
    }
    BOOST_TEST(scan_xl(bad).faults.size() == XlLimits::faults);
}

BOOST_AUTO_TEST_CASE(bytes_that_are_no_text) {
    BOOST_TEST(first_fault(std::string("a = 1\0", 6)) == "a control character");
    BOOST_TEST(first_fault("a = '\xff'") == "this is not UTF-8");
    BOOST_TEST(first_fault("a = '\x1b[2J'") == "a control character");
    BOOST_TEST(scan_xl("").faults.empty());
    BOOST_TEST(scan_xl("# only this").faults.empty());
}

BOOST_AUTO_TEST_SUITE_END()
