// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/codec.hpp"

#include <boost/test/unit_test.hpp>

using namespace mshv::api;

BOOST_AUTO_TEST_CASE(every_code_survives_the_wire) {
    for (const auto& row : error_table()) {
        const Error again = decode_error(encode_error(Error(row.code, "m")), row.http_status);
        BOOST_TEST((again.code() == row.code), row.name);
    }
}

BOOST_AUTO_TEST_CASE(every_part_survives_the_wire) {
    Error error(ErrorCode::busy, "web: start runs", "wait");
    Problem problem{"E-X", "/a", "m", "h", "guest.xml", 3, 4, 5, true};
    error.with_problems({problem, {}}).because("outer").because("inner");
    const Error again = decode_error(encode_error(error), 423);
    BOOST_TEST(again.message() == "web: start runs");
    BOOST_TEST(again.hint() == "wait");
    BOOST_TEST((again.problems() == error.problems()));
    BOOST_TEST((again.causes() == error.causes()));
}

BOOST_AUTO_TEST_CASE(a_foreign_answer_is_said_to_be_one) {
    for (const char* body : {"", "<html>502</html>", "{}", R"({"error":"x"})"}) {
        const Error error = decode_error(body, 502);
        BOOST_TEST((error.code() == ErrorCode::failed));
        BOOST_TEST(error.message().find("502") != std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(an_unknown_code_is_a_failure) {
    const Error error = decode_error(R"({"error":{"code":"melted","message":"m","new":1}})", 500);
    BOOST_TEST((error.code() == ErrorCode::failed));
    BOOST_TEST(error.message() == "m");
}
