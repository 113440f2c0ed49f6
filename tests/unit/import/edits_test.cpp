// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/import/support.hpp"
#include "toolstack/libs/import/accept.hpp"
#include "toolstack/libs/import/edits.hpp"

#include <boost/test/unit_test.hpp>

using namespace mshv::foreign;

BOOST_AUTO_TEST_SUITE(edits)

BOOST_AUTO_TEST_CASE(changes_and_the_way_back) {
    const std::string document = "<a>\n  <b c='1' d=\"2\"/>\n  <e/>\n</a>\n";
    const auto read = mshv::guestxml::read_document(document);
    BOOST_REQUIRE(!read.fault);
    const auto& b = read.root.children.at(0);
    Edits edits(document);
    edits.erase(b.attributes.at(0));
    edits.replace(b.attributes.at(1).value_at, "longer");
    edits.insert(read.root.children.at(1).whole.offset, "<f/>");
    BOOST_TEST(edits.apply() == "<a>\n  <b d=\"longer\"/>\n  <f/><e/>\n</a>\n");
    // The place of a thing in the result is its place in the document.
    const std::size_t e = document.find("<e/>");
    BOOST_TEST(edits.original(3, 7) == e);
    BOOST_TEST(edits.original(3, 4) == e);
    BOOST_TEST(edits.original(2, 4) == document.find("b c"));
    BOOST_TEST(edits.original(4, 1) == document.find("</a>"));
    BOOST_TEST(edits.original(99, 99) <= document.size());
    edits.erase(b);
    BOOST_TEST(edits.apply() == "<a>\n  \n  <f/><e/>\n</a>\n");
}

BOOST_AUTO_TEST_CASE(a_word_stands_for_what_is_below_it) {
    const auto one = [](const std::string& word, std::string_view key) {
        return accepts({word}, key);
    };
    BOOST_TEST(one("pci", "pci"));
    BOOST_TEST(one("pci", "pci[2]"));
    BOOST_TEST(one("vif", "vif[1]/rate"));
    BOOST_TEST(one("vif/rate", "vif[1]/rate"));
    BOOST_TEST(one("vif[1]", "vif[1]/rate"));
    BOOST_TEST(one("all", "anything"));
    BOOST_TEST(!one("vif/rate", "vif[1]"));
    BOOST_TEST(!one("vif[2]", "vif[1]/rate"));
    BOOST_TEST(!one("pc", "pci"));
    BOOST_TEST(!one("", "pci"));
    BOOST_TEST(!accepts({}, "pci"));
}

BOOST_AUTO_TEST_SUITE_END()
