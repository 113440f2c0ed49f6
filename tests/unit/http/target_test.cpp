// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/http/message.hpp"

#include <boost/test/unit_test.hpp>

using namespace mshv::http;

BOOST_AUTO_TEST_CASE(plain_targets) {
    const Target target = parse_target("/v1/partitions/name%3Aa%2Fb?all=1&x=&y");
    BOOST_REQUIRE(target.segments.size() == 3U);
    BOOST_TEST(target.segments[2] == "name:a/b");
    BOOST_TEST(target.query.at("all") == "1");
    BOOST_TEST(target.query.at("x").empty());
    BOOST_TEST(target.query.count("y") == 1U);
    BOOST_TEST(parse_target("/a+b").segments[0] == "a+b");
}

BOOST_AUTO_TEST_CASE(hostile_targets) {
    for (const char* bad : {"",      "*",     "v1",     "http://x/v1", "//",          "/",
                            "/a//b", "/a/",   "/.",     "/..",         "/a/%2e%2e/b", "/%2E",
                            "/a%00", "/a%",   "/a%4",   "/a%zz",       "/a%0a",       "/a%7f",
                            "/a#b",  "/a?=1", "/a?x=%", "/a?x=1&x=2",  "/a?x=%00",    "/a?&"}) {
        BOOST_CHECK_THROW(parse_target(bad), BadMessage);
    }
}

BOOST_AUTO_TEST_CASE(encoding_is_undone_by_decoding) {
    std::string all;
    for (int c = 1; c < 256; ++c) {
        if (c >= 0x20 && c != 0x7f) {
            all += static_cast<char>(c);
        }
    }
    for (const std::string& text :
         {all, std::string("a.b"), std::string("..."), std::string("a/b?c#d")}) {
        const auto encoded = percent_encode(text);
        if (text != "...") {
            BOOST_TEST(parse_target("/" + encoded).segments[0] == text);
        }
        BOOST_TEST(parse_target("/x?k=" + encoded).query.at("k") == text);
    }
}
