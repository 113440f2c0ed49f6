// SPDX-License-Identifier: Apache-2.0
//
// VMMs that misbehave (tests/fakevmm): each fault hits its own partition and nobody else's.
#include "tests/e2e/lib/host.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

using namespace mshv::e2e;
namespace data = boost::unit_test::data;

namespace {

std::string create_fails(Host& host, const std::string& name, const std::vector<std::string>& words,
                         int status) {
    const auto file = host.write_file(name + ".xml", host.fake_guest(name, words).text());
    return host.fails(status, {"create", file});
}

/// A neighbour answers, and a new partition can be made.
void check_others(Host& host) {
    BOOST_TEST(host.view("neighbour")["state"].text() == "running");
    host.ok({"pause", "neighbour"});
    host.ok({"unpause", "neighbour"});
    host.create(host.fake_guest("fresh"));
    host.ok({"destroy", "fresh"});
}

const std::vector<std::string> early_ends{"exit-before-ready=1", "exit-before-ready=0",
                                          "exit-at-ready=3"};
const std::vector<std::string> signals{"SEGV", "ABRT", "SYS", "KILL", "TERM"};
const std::vector<std::string> bad_answers{
    "garbage",          "binary",     "half-line", "deep",  "huge-line",
    "dup-keys",         "bad-utf8",   "eof-mid",   "flood", "flap",
    "wrong-id",         "dup-reply",  "no-reply",  "slow",  "late-reply=500",
    "error=a%20reason", "lie-status",
};

} // namespace

BOOST_DATA_TEST_CASE(a_vmm_that_ends_before_it_is_ready, data::make(early_ends), words) {
    Host host({.fake_vmm = true});
    host.create(host.fake_guest("neighbour"));
    const auto error = create_fails(host, "bad", {words, "stderr=last-words"}, 1);
    if (words.starts_with("exit-before-ready")) { // later it is the monitor's end that is seen
        BOOST_TEST(contains(error, "last-words"), error);
    }
    BOOST_TEST(!host.exists("bad"));
    BOOST_TEST(contains(host.ok({"history", "bad"}), "start-failed"));
    check_others(host);
}

BOOST_DATA_TEST_CASE(a_vmm_that_a_signal_ends_at_start, data::make(signals), name) {
    Host host({.fake_vmm = true});
    host.create(host.fake_guest("neighbour"));
    create_fails(host, "bad", {"signal=" + name}, 1);
    BOOST_TEST(!host.exists("bad"));
    check_others(host);
}

BOOST_AUTO_TEST_CASE(a_vmm_that_exits_while_it_runs) {
    Host host({.fake_vmm = true});
    host.create(host.fake_guest("neighbour"));
    host.create(host.fake_guest("bad", {"exit-after=100"}), {"--define"});
    host.wait_state("bad", "crashed");
    BOOST_TEST(host.view("bad")["reason"].text() == "vmm-failed");
    check_others(host);
}

BOOST_AUTO_TEST_CASE(a_start_that_never_gets_ready_ends_at_its_deadline) {
    Host host({.fake_vmm = true});
    host.create(host.fake_guest("neighbour"));
    const auto file = host.write_file("bad.xml", host.fake_guest("bad", {"hang"}).text());
    host.fails(9, {"create", "--timeout", "2", file});
    BOOST_TEST(!host.exists("bad"));
    check_others(host);
}

BOOST_DATA_TEST_CASE(a_vmm_that_answers_badly, data::make(bad_answers), words) {
    Host host({.fake_vmm = true});
    host.create(host.fake_guest("neighbour"));
    const auto guest = host.fake_guest("bad", {words, "at=stop", "late-reply=500"});
    host.create(guest, {"--define"});
    const auto outcome = host.ctl({"--timeout", "3", "pause", "bad"});
    const std::set<int> documented{0, 1, 5, 7, 9};
    BOOST_TEST(documented.contains(outcome.status), outcome.status << " " << outcome.err);
    check_others(host);
    BOOST_TEST(host.daemon_runs());
    // Whatever it is in now, it can be ended.
    if (host.view("bad").has("runtime")) {
        host.ok({"destroy", "--wait-busy", "30", "bad"});
    }
    BOOST_TEST(!host.view("bad").has("runtime"));
}

BOOST_DATA_TEST_CASE(a_vmm_that_greets_badly,
                     data::make(std::vector<std::string>{"greeting-missing", "greeting-twice"}),
                     words) {
    Host host({.fake_vmm = true});
    host.create(host.fake_guest("neighbour"));
    const auto file = host.write_file("bad.xml", host.fake_guest("bad", {words}).text());
    const auto outcome = host.ctl({"create", "--timeout", "3", file});
    const std::set<int> documented{0, 1, 9};
    BOOST_TEST(documented.contains(outcome.status), outcome.err);
    check_others(host);
}

BOOST_AUTO_TEST_CASE(a_vmm_that_will_not_go_is_killed) {
    Host host({.fake_vmm = true});
    host.create(host.fake_guest("bad", {"ignore-quit", "ignore-sigterm", "ignore-powerdown"}),
                {"--define"});
    host.ok({"destroy", "bad"});
    BOOST_TEST(host.view("bad")["state"].text() == "shutoff");
}

BOOST_AUTO_TEST_CASE(a_restart_policy_gets_over_early_faults) {
    Host host({.fake_vmm = true});
    const auto state = host.write_file("starts", "", 0666);
    auto guest = host.fake_guest("twice", {"state=" + state, "until=2", "exit-after=50"});
    guest.restart = "policy='on-failure' delay='1' maxdelay='1' limit='5' window='600'";
    host.create(guest, {"--define"});
    const auto third = [](const Json& event) {
        return event.get("name") == "twice" && event.get("to") == "running";
    };
    auto first = host.wait_event(0, third);
    auto second = host.wait_event(first["seq"].number(), third);
    (void)host.wait_event(second["seq"].number(), third);
    host.wait_state("twice", "running");
    BOOST_TEST(host.view("twice")["runtime"]["generation"].number() == 3);
}

BOOST_AUTO_TEST_CASE(a_guest_that_reboots_in_a_loop_is_given_up) {
    Host host({.fake_vmm = true});
    host.create(host.fake_guest("neighbour"));
    auto guest = host.fake_guest("loop", {"reboot-after=1"});
    guest.restart = "policy='on-failure' delay='1' maxdelay='1' limit='5' window='600'";
    host.create(guest, {"--define"});
    host.wait_state("loop", "crashed,shutoff");
    BOOST_TEST(host.view("loop")["reason"].text() == "restart-limit");
    check_others(host);
}

BOOST_AUTO_TEST_CASE(a_console_flood_is_bounded) {
    Host host({.fake_vmm = true});
    host.create(host.fake_guest("neighbour"));
    auto guest = host.fake_guest("flood", {"console-flood"});
    guest.mshv = {"<consolelog ring='64' size='256' unit='KiB' keep='1'/>"};
    host.create(guest, {"--define"});
    // More than the log may hold has been written when so much has been read.
    auto reader = host.session({"console", "--no-input", "--replay", "0", "flood"});
    reader.wait_for_bytes(4 << 20, guest_time());
    BOOST_TEST(reader.output().size() >= 4U << 20);
    check_others(host);
    host.ok({"destroy", "flood"});
    BOOST_TEST(host.ok({"console", "--log", "flood"}).size() <= 2 * 256 * 1024U + 65536U);
}

BOOST_AUTO_TEST_CASE(no_vmm_at_all) {
    Host host({.config = {{"vmm.qemu", "\"/nonexistent/qemu\""}}});
    const auto file = host.write_file("n.xml", GuestXml{.name = "n"}.text());
    const auto outcome = host.ctl({"create", file});
    BOOST_TEST((outcome.status == 7 || outcome.status == 6), outcome.status << outcome.err);
    BOOST_TEST(contains(outcome.err, "qemu"));
    host.ok({"list"});
}
