// SPDX-License-Identifier: Apache-2.0
//
// What is asked of a guest, with QEMU's own guest agent in a real guest.
#include "tests/e2e/lib/host.hpp"
#include "tests/e2e/lib/installation.hpp"

#include <boost/test/unit_test.hpp>

using namespace mshv::e2e;

namespace {

const std::string channel = "<channel type='unix'><target type='virtio' "
                            "name='org.qemu.guest_agent.0'/></channel>";
const std::string mac = "52:54:00:12:34:57";

/// A guest with QEMU's agent, a disk with a file system that is not mounted yet, and a NIC.
struct AgentHost : Host {
    explicit AgentHost(HostOptions options = {}) : Host(std::move(options)) {
        const auto disk = path("disk.img");
        BOOST_REQUIRE(run({"/usr/bin/qemu-img", "create", "-q", "-f", "raw", disk, "32M"}).status ==
                      0);
        create({.name = "g",
                .steps = "qemu-ga",
                .initrd = guest_agent_initrd(),
                .memory_mib = 192,
                .devices = {channel, disk_xml(disk),
                            "<interface type='user'><mac address='" + mac + "'/></interface>"}},
               {"--define"});
        wait_agent();
    }
    /// Until the agent has opened its port and answers.
    void wait_agent() {
        for (const auto deadline = guest_time(); !deadline.expired();) {
            if (ctl({"guest", "ping", "g"}).status == 0) {
                return;
            }
        }
        BOOST_FAIL("no agent answers: " + fails(5, {"guest", "ping", "g"}));
    }
    std::string in_guest(std::vector<std::string> words) {
        words.insert(words.begin(), {"guest", "exec", "g", "--"});
        return ok(words);
    }
    void mount_disk() {
        in_guest({"mke2fs", "/dev/vda"});
        in_guest({"mount", "-t", "ext4", "/dev/vda", "/mnt"});
    }
    bool frozen() { return contains(ok({"guest", "freeze-status", "g"}), "frozen"); }
    std::vector<std::string> kinds() {
        std::vector<std::string> kinds;
        for (const auto& event : events()) {
            kinds.push_back(event["kind"].text());
        }
        return kinds;
    }
    bool happened(const std::string& kind) {
        const auto all = kinds();
        return std::find(all.begin(), all.end(), kind) != all.end();
    }
    void wait_kind(const std::string& kind) {
        (void)wait_event(0, [&](const Json& event) { return event["kind"].text() == kind; });
    }
};

} // namespace

BOOST_AUTO_TEST_CASE(a_guest_says_what_it_is_and_where) {
    AgentHost host;
    const auto info = host.ok({"guest", "info", "-v", "g"});
    BOOST_TEST(contains(info, "System      : mshv test guest"), info);
    BOOST_TEST(contains(info, "guest-fsfreeze-freeze"), info);
    BOOST_TEST(contains(info, "Time zone   : UTC +0 min"), info);
    host.in_guest({"ip", "link", "set", "eth0", "up"});
    host.in_guest({"ip", "addr", "add", "10.0.2.15/24", "dev", "eth0"});
    const auto addresses = host.ok({"guest", "addresses", "g"});
    BOOST_TEST(contains(addresses, mac), addresses);
    BOOST_TEST(contains(addresses, "10.0.2.15/24"), addresses);
    BOOST_TEST(contains(addresses, "agent"), addresses);
    for (const auto& item : Json::parse(host.ok({"--json", "guest", "addresses", "g"}))["addresses"]
                                               ["interfaces"]
                                                   .items()) {
        const bool ours = item.has("mac") && item["mac"].text() == mac;
        BOOST_TEST(item.has("alias") == ours);
    }
    host.mount_disk();
    const auto mounted = host.ok({"guest", "info", "g"});
    BOOST_TEST(contains(mounted, "/mnt"), mounted);
    BOOST_TEST(contains(mounted, "ext4"), mounted);
    host.in_guest({"date", "-s", "2001-02-03 04:05:06"});
    const auto time = Json::parse(host.ok({"--json", "guest", "sync-time", "g"}))["time"];
    BOOST_TEST(time["before_ms"].number() < -1'000'000);
    BOOST_TEST(std::abs(time["after_ms"].number()) < 60'000);
}

BOOST_AUTO_TEST_CASE(a_program_runs_in_the_guest_by_its_words) {
    AgentHost host;
    BOOST_TEST(host.in_guest({"echo", "a b", "$HOME; \"'\\"}) == "a b $HOME; \"'\\\n");
    const auto failed =
        host.ctl({"guest", "exec", "g", "--", "sh", "-c", "echo out; echo err >&2; exit 7"});
    BOOST_TEST(failed.status == 7);
    BOOST_TEST(failed.out == "out\n");
    BOOST_TEST(failed.err == "err\n");
    BOOST_TEST(host.ctl({"guest", "exec", "g", "--", "sh", "-c", "kill -9 $$"}).status == 137);
    BOOST_TEST(host.ok({"guest", "exec", "--env", "SECRET=x y", "g", "--", "/bin/sh", "-c",
                        "echo $SECRET"}) == "x y\n");
    const std::string input("in\0put\n", 7);
    BOOST_TEST(host.ok({"guest", "exec", "--input", "g", "--", "cat"}, input) == input);
    const auto absent = host.ctl({"guest", "exec", "g", "--", "/no/such"});
    BOOST_TEST(absent.status == 255);
    BOOST_TEST(contains(absent.err, "The guest agent refused guest-exec"), absent.err);
    const auto late =
        host.ctl({"--timeout", "1s", "guest", "exec", "g", "--", "sleep", "1000"});
    BOOST_TEST(late.status == 255);
    BOOST_TEST(contains(late.err, "'sleep' has not ended in the guest"), late.err);
    BOOST_TEST(host.in_guest({"pidof", "sleep"}) != "");
    // More than a pipe holds, and binary.
    const auto much = host.in_guest({"head", "-c", "1000000", "/dev/zero"});
    BOOST_TEST(much.size() == 1'000'000U);
    // Who and what, but not with which words.
    for (const auto& event : host.events()) {
        if (event["kind"].text() == "partition.guest-exec") {
            BOOST_TEST(!contains(event.dump(), "SECRET"), event.dump());
        }
    }
    BOOST_TEST(host.happened("partition.guest-exec"));
    BOOST_TEST(!contains(host.daemon_log(), "SECRET"));
    const auto audit = run({"/bin/cat", host.path("log/audit.log")}).out;
    BOOST_TEST(contains(audit, "/guest/exec"), audit);
    BOOST_TEST(!contains(audit, "SECRET"), audit);
}

BOOST_AUTO_TEST_CASE(file_systems_stand_still_and_are_thawed_whatever_happens) {
    AgentHost host;
    host.mount_disk();
    BOOST_TEST(!host.frozen());
    BOOST_TEST(contains(host.ok({"guest", "freeze", "g"}), "frozen: 1 file systems"));
    BOOST_TEST(host.frozen());
    BOOST_TEST(contains(host.fails(5, {"guest", "freeze", "g"}), "frozen already"));
    // Looking at what runs does not wait for it.
    host.ok({"list"});
    host.ok({"pause", "g"});
    BOOST_TEST(contains(host.fails(5, {"guest", "thaw", "g"}), "is paused"));
    host.ok({"unpause", "g"});
    BOOST_TEST(contains(host.ok({"guest", "thaw", "g"}), "thawed: 1 file systems"));
    BOOST_TEST(!host.frozen());
    BOOST_TEST(host.happened("partition.guest-thawed"));
    // Nobody thaws it: the daemon does.
    const auto since = host.last_event();
    host.ok({"guest", "freeze", "--thaw-after", "2s", "g"});
    (void)host.wait_event(since, [](const Json& event) {
        return event["kind"].text() == "partition.guest-thawed" &&
               event["actor"].text() == "freeze deadline";
    });
    BOOST_TEST(!host.frozen());
    // Nor this daemon: the next.
    const auto before = host.last_event();
    host.ok({"guest", "freeze", "--thaw-after", "3s", "g"});
    host.kill_daemon();
    BOOST_REQUIRE(host.start_daemon());
    (void)host.wait_event(before, [](const Json& event) {
        return event["kind"].text() == "partition.guest-thawed";
    });
    BOOST_TEST(!host.frozen());
    host.in_guest({"touch", "/mnt/file"});
}

BOOST_AUTO_TEST_CASE(a_daemon_that_dies_as_it_freezes_leaves_nothing_frozen) {
    for (const char* point : {"control.after_freeze_record", "vmm.guest_freeze.after"}) {
        AgentHost host({.crashpoint = point});
        host.mount_disk();
        (void)host.ctl({"guest", "freeze", "--thaw-after", "2s", "g"});
        BOOST_TEST(host.wait_daemon_ended() != 0, point);
        BOOST_REQUIRE(host.start_daemon());
        host.wait_kind("partition.guest-thawed");
        BOOST_TEST(!host.frozen(), point);
    }
}

BOOST_AUTO_TEST_CASE(a_shutdown_goes_before_who_talks_and_nothing_waits_for_a_guest) {
    AgentHost host;
    auto sleeper = host.session({"guest", "exec", "g", "--", "sh", "-c", "echo up; sleep 1000"});
    host.ok({"list"});
    host.ok({"guest", "ping", "g"});
    host.ok({"shutdown", "-w", "--method", "agent", "--timeout", "120", "g"});
    const auto outcome = sleeper.finish(soon());
    BOOST_TEST(outcome.status == 255, outcome.err);
    BOOST_TEST(contains(host.fails(5, {"guest", "info", "g"}), "not running"));
    host.create({.name = "mute", .steps = "shell"});
    BOOST_TEST(contains(host.fails(7, {"guest", "info", "mute"}), "has no guest agent channel"));
    BOOST_TEST(contains(host.ok({"guest", "addresses", "mute"}), "Source"));
}
