// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/mshvctl/harness.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace mshv;
using test::ProgramFixture;

bool contains(const std::string& text, std::string_view what) {
    return text.find(what) != std::string::npos;
}

struct GuestFixture : ProgramFixture {
    static constexpr const char* started = "POST /v1/partitions/web/guest/exec";
    static constexpr const char* status = "POST /v1/partitions/web/guest/exec-status";
    GuestFixture() { daemon.on(started, 200, R"({"pid":7})"); }
    void ends(const std::string& how) { daemon.on(status, 200, R"({"exited":true,)" + how + "}"); }
};

BOOST_FIXTURE_TEST_SUITE(program_guest, GuestFixture)

BOOST_AUTO_TEST_CASE(the_status_is_the_programs) {
    ends(R"("exit_code":3,"out_base64":"YQpi","err_base64":"Yw==")");
    const auto done = run({"guest", "exec", "web", "--", "ls", "-l", "--help"});
    BOOST_TEST(done.status == 3);
    BOOST_TEST(done.out == "a\nb");
    BOOST_TEST(done.err == "c");
    ends(R"("signal":9)");
    BOOST_TEST(run({"guest", "exec", "web", "ls"}).status == 137);
    ends(R"("exit_code":0)");
    BOOST_TEST(run({"guest", "exec", "web", "ls"}).status == 0);
    ends(R"("out_base64":"")");
    BOOST_TEST(run({"guest", "exec", "web", "ls"}).status == 255);
    daemon.on(status, 423, R"({"error":{"code":"busy","message":"taken"}})");
    const auto busy = run({"guest", "exec", "web", "ls"});
    BOOST_TEST(busy.status == 255);
    BOOST_TEST(contains(busy.err, "taken"), busy.err);
    BOOST_TEST(contains(run({"--json", "guest", "exec", "web", "ls"}).err, R"("exit_status":8)"));
}

BOOST_AUTO_TEST_CASE(words_reach_the_program_as_they_are) {
    ends(R"("exit_code":0)");
    (void)run({"guest", "exec", "--env", "A=b c", "web", "--", "sh", "-c", "x; $y"});
    const auto requests = daemon.requests();
    BOOST_REQUIRE(requests.size() >= 2U);
    const auto& request = requests[requests.size() - 2];
    BOOST_TEST(contains(request, R"("program":"sh","arguments":["-c","x; $y"],"environment":["A=b c"])"),
               request);
    BOOST_TEST(contains(requests.back(), R"("pid":7,"wait_ms":20000)"), requests.back());
}

BOOST_AUTO_TEST_CASE(a_program_that_does_not_end_goes_on) {
    daemon.on(status, 200, R"({"exited":false})");
    const auto late = run({"--timeout", "50ms", "guest", "exec", "web", "ls"});
    BOOST_TEST(late.status == 255);
    BOOST_TEST(contains(late.err, "'ls' has not ended in the guest, as process 7"), late.err);
}

BOOST_AUTO_TEST_CASE(words_of_other_actions_are_refused) {
    refused({"guest", "exec", "web"}, 2);
    refused({"guest", "info", "web", "ls"}, 2);
    refused({"guest", "info", "--input", "web"}, 2);
    refused({"guest", "thaw", "--thaw-after", "5", "web"}, 2);
    refused({"guest", "look", "web"}, 2);
    BOOST_TEST(contains(run({"-N", "guest", "freeze", "web"}).out, "freeze the guest of web"));
    for (const char* word : {"guestinfo", "domifaddr", "domfsfreeze", "domtime"}) {
        BOOST_TEST(contains(refused({word, "web"}, 2), "use 'guest "), word);
    }
}

BOOST_AUTO_TEST_CASE(what_a_guest_says_is_escaped) {
    daemon.on("GET /v1/partitions/web/guest/info", 200,
              R"({"hostname":"a\u001b[31m","commands":["guest-ping"],"users":[{"name":"r\n"}],
                  "filesystems":[{"mountpoint":"/\u0007","used":1,"total":2097152}]})");
    const auto info = run({"guest", "info", "web"});
    BOOST_TEST(info.status == 0, info.err);
    BOOST_TEST(contains(info.out, "a\\x1b[31m"), info.out);
    BOOST_TEST(contains(info.out, "User        : r\\n"), info.out);
    BOOST_TEST(contains(info.out, "/\\x07"), info.out);
    BOOST_TEST(!contains(info.out, "\x1b"), info.out);
    daemon.on("GET /v1/partitions/web/guest/addresses", 200,
              R"({"interfaces":[{"name":"eth0","mac":"52:54:00:00:00:01","alias":"net0","source":"agent",
                  "addresses":[{"address":"10.0.0.1","prefix":24}]},{"source":"arp"}]})");
    const auto addresses = run({"guest", "addresses", "web"});
    BOOST_TEST(contains(addresses.out, "10.0.0.1/24"), addresses.out);
    BOOST_TEST(contains(addresses.out, "arp"), addresses.out);
}

BOOST_AUTO_TEST_CASE(a_freeze_has_its_deadline) {
    daemon.on("POST /v1/partitions/web/guest/freeze", 200,
              R"({"frozen":true,"filesystems":2,"thaw_in_ms":4100})");
    const auto made = body({"guest", "freeze", "--thaw-after", "1500ms", "web"});
    BOOST_TEST(contains(made, R"("thaw_after_s":2)"), made);
    BOOST_TEST(run({"guest", "freeze", "web"}).out ==
               "frozen: 2 file systems, thawed in 5 s at the latest\n");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
