// SPDX-License-Identifier: Apache-2.0
#include "daemon/keeper/qmp_scan.hpp"

#include <boost/test/unit_test.hpp>
#include <string>

using namespace mshv::keeper;
using Kind = QmpLine::Kind;

BOOST_AUTO_TEST_SUITE(qmp_scan)

BOOST_AUTO_TEST_CASE(lines_of_qemu) {
    const auto greeting =
        scan_qmp(R"({"QMP": {"version": {"qemu": {"micro": 22}}, "capabilities": ["oob"]}})"
                 "\r");
    BOOST_TEST((greeting.value().kind == Kind::greeting));
    const auto event = scan_qmp(R"({"timestamp": {"seconds": 1}, "event": "SHUTDOWN", )"
                                R"("data": {"guest": true, "reason": "guest-reset"}})");
    BOOST_TEST((event.value().kind == Kind::event));
    BOOST_TEST(event->event == "SHUTDOWN");
    BOOST_TEST(event->reason == "guest-reset");
    BOOST_TEST(event->guest);
    const auto balloon = scan_qmp(R"({"event": "BALLOON_CHANGE", "data": {"actual": 167772160}})");
    BOOST_TEST(balloon.value().actual.value() == 167772160);
    for (const char* other : {R"("1")", "1.5", "99999999999999999999", "{}"}) {
        const auto odd =
            scan_qmp(R"({"event": "X", "data": {"actual": )" + std::string(other) + "}}");
        BOOST_TEST(!odd.value().actual.has_value());
    }
    const auto status =
        scan_qmp(R"({"return": {"status": "paused", "running": false}, "id": "k3"})");
    BOOST_TEST((status.value().kind == Kind::returned));
    BOOST_TEST(status->status == "paused");
    BOOST_TEST(status->id == "k3");
    const auto error =
        scan_qmp(R"({"id": "k4", "error": {"class": "GenericError", "desc": "no"}})");
    BOOST_TEST((error.value().kind == Kind::error));
    BOOST_TEST(error->text == "no");
    BOOST_TEST((scan_qmp(R"({"execute": "stop"})").value().kind == Kind::command));
    BOOST_TEST((scan_qmp("{}").value().kind == Kind::other));
}

BOOST_AUTO_TEST_CASE(only_the_right_place_counts) {
    const auto line = scan_qmp(R"({"event": "X", "data": {"inner": {"reason": "guest-panic", )"
                               R"("event": "SHUTDOWN"}, "list": [{"action": "pause"}]}})");
    BOOST_TEST(line.value().event == "X");
    BOOST_TEST(line->reason.empty());
    BOOST_TEST(line->action.empty());
    // An id that is a number is there, but is none of ours.
    const auto numbered = scan_qmp(R"({"return": {}, "id": 7})");
    BOOST_TEST(numbered.value().has_id);
    BOOST_TEST(numbered->id.empty());
}

BOOST_AUTO_TEST_CASE(what_is_not_one_strict_object) {
    for (const char* line : {"",
                             " ",
                             "[]",
                             "1",
                             "\"x\"",
                             "null",
                             "{",
                             "}",
                             "{}{}",
                             "{} x",
                             "{,}",
                             "{\"a\"}",
                             "{\"a\":}",
                             "{\"a\":1,}",
                             "{\"a\" 1}",
                             "{a:1}",
                             "{'a':1}",
                             "{\"a\":01}",
                             "{\"a\":1.}",
                             "{\"a\":.5}",
                             "{\"a\":1e}",
                             "{\"a\":+1}",
                             "{\"a\":-}",
                             "{\"a\":tru}",
                             "{\"a\":NaN}",
                             "{\"a\":[1,]}",
                             "{\"a\":[1 2]}",
                             "{\"a\":\"\\x\"}",
                             "{\"a\":\"\\u12g4\"}",
                             "{\"a\":\"\\ud800\"}",
                             "{\"a\":\"\\udc00\"}",
                             "{\"a\":\"\\ud800\\u0041\"}",
                             "{\"a\":\"\xff\"}",
                             "{\"a\":\"\xc0\x80\"}",
                             "{\"a\":\"\xed\xa0\x80\"}",
                             "{\"a\":\"\xf4\x90\x80\x80\"}",
                             "{\"a\":\"\xe2\x82\"}",
                             "{\"a\":\"\t\"}",
                             "{\"a\":\"",
                             "{\"a\":\"\\",
                             "{\"a\":\"\\u",
                             "{\"return\":1,\"return\":2}",
                             "{\"return\":1,\"error\":2}",
                             "{\"id\":\"1\",\"id\":\"2\"}",
                             "{\"event\":\"A\",\"return\":{}}"}) {
        BOOST_TEST(!scan_qmp(line), line);
    }
    for (const char* line :
         {"{\"a\":0}", "{\"a\":-0.5e+10}", "{\"a\":123456789012345678901234567890}",
          "{\"a\":\"\\ud83d\\ude00\"}", "{\"a\":\"\xf0\x9f\x98\x80\xc3\xa9\"}", " { \"a\" : [ ] } ",
          "{\"a\":[1,\"b\",null,true,false,{}]}"}) {
        BOOST_TEST(scan_qmp(line).has_value(), line);
    }
}

BOOST_AUTO_TEST_CASE(bounds) {
    const auto nested = [](int depth) {
        return "{\"a\":" + std::string(static_cast<std::size_t>(depth), '[') +
               std::string(static_cast<std::size_t>(depth), ']') + "}";
    };
    BOOST_TEST(scan_qmp(nested(deepest_qmp_value - 1)).has_value());
    BOOST_TEST(!scan_qmp(nested(deepest_qmp_value)));
    BOOST_TEST(!scan_qmp("{\"a\":" + std::string(500000, '[')));
    BOOST_TEST(!scan_qmp("{\"a\":\"" + std::string(longest_qmp_line, 'x') + "\"}"));
    const auto cut = scan_qmp(R"({"event":")" + std::string(10000, 'x') + "\"}");
    BOOST_TEST(cut.value().event.size() == 256U);
}

BOOST_AUTO_TEST_SUITE_END()
