// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/identity.hpp"
#include "toolstack/libs/api/nearest.hpp"
#include "toolstack/libs/api/utf8.hpp"

#include <array>
#include <boost/test/unit_test.hpp>

using namespace mshv::api;

BOOST_AUTO_TEST_CASE(uuid_text) {
    const std::string text = "01234567-89ab-cdef-0123-456789abcdef";
    const auto uuid = parse_uuid(text);
    BOOST_REQUIRE(uuid.has_value());
    BOOST_TEST(to_string(*uuid) == text);
    BOOST_TEST((parse_uuid("01234567-89AB-CDEF-0123-456789ABCDEF") == uuid));
    for (const char* bad :
         {"", "01234567-89ab-cdef-0123-456789abcde", "01234567-89ab-cdef-0123-456789abcdefa",
          "0123456789ab-cdef-0123-456789abcdef00", "01234567-89ab-cdef-0123-456789abcdeg",
          "012345678-9ab-cdef-0123-456789abcdef"}) {
        BOOST_TEST(!parse_uuid(bad).has_value(), bad);
    }
    for (int i = 0; i < 100; ++i) {
        const Uuid random = random_uuid();
        BOOST_TEST((parse_uuid(to_string(random)) == random));
    }
}

BOOST_AUTO_TEST_CASE(names) {
    for (const char* good : {"a", "web-1", "9p", "A.b_c+d", "1.0"}) {
        BOOST_TEST(!why_bad_name(good).has_value(), good);
    }
    for (const char* bad : {"", "-a", ".a", "17", "a b", "a/b", "a,b", "\xc3\xa4", "a\n"}) {
        BOOST_TEST(why_bad_name(bad).has_value(), bad);
    }
    BOOST_TEST(!why_bad_name(std::string(64, 'a')).has_value());
    BOOST_TEST(why_bad_name(std::string(65, 'a')).has_value());
}

BOOST_AUTO_TEST_CASE(selectors) {
    BOOST_TEST((Selector::parse("web").kind == Selector::Kind::any));
    BOOST_TEST((Selector::parse("id:7").kind == Selector::Kind::number));
    BOOST_TEST((Selector::parse("name:0").kind == Selector::Kind::name));
    BOOST_TEST(Selector::parse("uuid:abcd").to_string() == "uuid:abcd");
    for (const char* bad : {"", "0", "00", "id:0", "id:x", "id:", "name:"}) {
        BOOST_CHECK_EXCEPTION(Selector::parse(bad), Error,
                              [](const Error& e) { return e.code() == ErrorCode::usage; });
    }
}

BOOST_AUTO_TEST_CASE(nearest) {
    const std::array<std::string_view, 3> words{"virtio", "sata", "memory"};
    BOOST_TEST(nearest_word("virtoi", words) == "virtio");
    BOOST_TEST(nearest_word("memmory", words) == "memory");
    BOOST_TEST(nearest_word("usb", words) == "");
    BOOST_TEST(nearest_word(std::string(100, 'm'), words) == "");
    BOOST_TEST(nearest_word("", words) == "");
    BOOST_TEST(edit_distance("ab", "ba") == 1U);
    BOOST_TEST(edit_distance("", "abc") == 3U);
}

BOOST_AUTO_TEST_CASE(utf8) {
    const auto npos = std::string_view::npos;
    BOOST_TEST(find_bad_utf8("") == npos);
    BOOST_TEST(find_bad_utf8("12345678\xc3\xa4 12345678 \xf0\x9f\x98\x80") == npos);
    BOOST_TEST(find_bad_utf8("12345678\xc3") == 8U);
    BOOST_TEST(find_bad_utf8("123456789\x80") == 9U);
    BOOST_TEST(find_bad_utf8("\xf4\x90\x80\x80") == 0U);
}
