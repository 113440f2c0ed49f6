// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/mshvctl/harness.hpp"
#include "toolstack/libs/api/codec.hpp"

#include <atomic>
#include <boost/test/unit_test.hpp>

namespace {

using namespace mshv;
using test::partition_json;
using test::ProgramFixture;

http::Response ok(const std::string& body) {
    http::Response response;
    response.body = body;
    return response;
}

namespace {

// By the UUID that partition_json() gives: the name may be another's before the wait is over.
constexpr auto wait_for_web1 =
    "GET /v1/partitions/uuid:0b1e5c1e-6f0a-4c3e-9d7b-1a2b3c4d5e6f/wait";

} // namespace

BOOST_FIXTURE_TEST_SUITE(program_wait, ProgramFixture)

BOOST_AUTO_TEST_CASE(shutdown_waits_for_the_end) {
    daemon.on("POST /v1/partitions/web1/shutdown", 200, partition_json(5, "web1", "stopping"));
    daemon.on(wait_for_web1, 200, partition_json(5, "web1", "shutoff"));
    const auto result = run({"shutdown", "web1", "-w", "--timeout", "5"});
    BOOST_TEST(result.status == 0);
    BOOST_TEST(result.err.empty()); // no progress on what is no terminal
    BOOST_TEST(daemon.requests().size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_ladder_that_was_given_up_is_a_timeout) {
    daemon.on("POST /v1/partitions/web1/shutdown", 200, partition_json(5, "web1", "stopping"));
    daemon.on(wait_for_web1, 200, partition_json(5, "web1", "running"));
    const auto result = run({"shutdown", "web1", "-w", "--timeout", "5"});
    BOOST_TEST(result.status == 9);
    BOOST_TEST(result.err.find("mshvctl destroy web1") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(one_that_cannot_be_asked_stops_no_wait) {
    daemon.on("POST /v1/partitions/off/shutdown", 409,
              api::encode_error(api::Error(api::ErrorCode::wrong_state, "off is not running")));
    daemon.on("POST /v1/partitions/web1/shutdown", 200, partition_json(5, "web1", "stopping"));
    std::atomic<int> waited{0};
    daemon.on(wait_for_web1, [&](const http::Request&) {
        ++waited;
        return ok(partition_json(5, "web1", "shutoff"));
    });
    const auto result = run({"shutdown", "-w", "--timeout", "5", "off", "web1"});
    BOOST_TEST(result.status == 13);
    BOOST_TEST(waited == 1);
    BOOST_TEST(result.err.find("off is not running") != std::string::npos);
    BOOST_TEST(result.err.find("1 of 2 partitions failed") != std::string::npos);
    const auto json = run({"shutdown", "-w", "--json", "--timeout", "5", "web1", "off"});
    BOOST_TEST(json.status == 13);
    BOOST_TEST(waited == 2);
    BOOST_TEST(json.out.find("web1") != std::string::npos); // one document tells of both
    BOOST_TEST(json.out.find("wrong_state") != std::string::npos);
    BOOST_TEST(run({"shutdown", "-w", "off"}).status == 5); // a single one tells its own error
}

BOOST_AUTO_TEST_CASE(wait_has_a_time_limit) {
    daemon.on("GET /v1/partitions/web1/wait", 504,
              api::encode_error(api::Error(api::ErrorCode::timeout, "web1 is still running")));
    daemon.on("GET /v1/partitions/web1", 200, partition_json(5, "web1", "running"));
    const auto result = run({"wait", "web1", "--timeout", "1ms"});
    BOOST_TEST(result.status == 9);
    const auto request = daemon.requests().front();
    BOOST_TEST(request.find("state=shutoff,crashed") != std::string::npos);
    BOOST_TEST(run({"wait", "web1", "--state", "runing"}).status == 2);
}

BOOST_AUTO_TEST_CASE(reboot_waits_for_a_later_generation) {
    std::atomic<int> asked{0};
    daemon.on("GET /v1/partitions/web1", 200, partition_json(5, "web1", "running", 1));
    daemon.on("POST /v1/partitions/web1/reboot", 200, partition_json(5, "web1", "stopping", 1));
    daemon.on("GET /v1/partitions/id:5", [&](const http::Request&) {
        const int time = ++asked;
        return ok(partition_json(5, "web1", time < 2 ? "restarting" : "running", time));
    });
    daemon.on("GET /v1/events", 200, R"({"events":[],"last_seq":7,"oldest_seq":1})");
    const auto result = run({"reboot", "web1", "-w", "--timeout", "5"});
    BOOST_TEST(result.status == 0);
    BOOST_TEST(asked == 2);
}

BOOST_AUTO_TEST_CASE(events_are_paged_and_ended) {
    daemon.on("GET /v1/events", [](const http::Request& request) {
        const auto since = std::stol(request.target.query.at("since"));
        return ok(since >= 2
                      ? R"({"events":[],"last_seq":2,"oldest_seq":1})"
                      : R"({"events":[{"seq":1,"at_ms":0,"kind":"partition.defined","id":1,)"
                        R"("name":"a","actor":"uid 0","detail":""},{"seq":2,"at_ms":0,)"
                        R"("kind":"partition.state","id":1,"name":"a","actor":"uid 0",)"
                        R"("from":"shutoff","to":"starting","reason":"started","detail":"x\ny"}],)"
                        R"("last_seq":2,"oldest_seq":1})");
    });
    const auto result = run({"events"});
    BOOST_TEST(result.status == 0);
    BOOST_TEST(result.out == "      1  -  partition.defined  a (1)  by uid 0\n"
                             "      2  -  partition.state  a (1)  shutoff -> starting  started"
                             "  by uid 0  x\\ny\n");
    const auto json = run({"events", "--json", "--limit", "1"});
    BOOST_TEST(json.out.starts_with(R"({"seq":1,)"));
    BOOST_TEST(json.out.find('\n') == json.out.size() - 1);
    BOOST_TEST(run({"events", "--follow", "--since", "0", "--limit", "2"}).status == 0);
}

BOOST_AUTO_TEST_CASE(the_log_is_passed_byte_for_byte) {
    const std::string log("boot\r\n\x1b[1m\0\xff", 12);
    daemon.on("GET /v1/partitions/web1/console/log", 200, log);
    const auto result = run({"console", "--log", "web1"});
    BOOST_TEST(result.status == 0);
    BOOST_TEST(result.out == log);
    BOOST_TEST(run({"console", "--log", "gone"}).status == 3);
}

BOOST_AUTO_TEST_CASE(a_refused_console_says_why) {
    daemon.on("GET /v1/partitions/web1/console", 423,
              api::encode_error(api::Error(api::ErrorCode::busy, "uid 7 types", "--steal")));
    const auto result = run({"console", "web1"});
    BOOST_TEST(result.status == 8);
    BOOST_TEST(result.err == "mshvctl: error: uid 7 types\n  hint: --steal\n");
    const auto request = daemon.requests().front();
    BOOST_TEST(request == "GET /v1/partitions/web1/console?mode=rw&replay=16384");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
