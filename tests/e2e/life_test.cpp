// SPDX-License-Identifier: Apache-2.0
//
// What guests and VMMs do by themselves, and what the policies make of it.
#include "tests/e2e/lib/host.hpp"
#include "tests/e2e/lib/installation.hpp"
#include "tests/e2e/lib/processes.hpp"
#include "toolstack/libs/posix/pidfd.hpp"

#include <boost/test/unit_test.hpp>
#include <csignal>

using namespace mshv::e2e;
using mshv::posix::PidFd;

namespace {

/// An event of this partition that says it came to `state` for `reason`.
std::function<bool(const Json&)> became(const std::string& name, const std::string& state,
                                        const std::string& reason = {}) {
    return [=](const Json& event) {
        return event.get("name") == name && event.get("to") == state &&
               (reason.empty() || event.get("reason") == reason);
    };
}

PidFd hold(pid_t pid) {
    const auto identity = mshv::posix::identify_process(pid);
    BOOST_REQUIRE(identity);
    auto process = PidFd::open(*identity);
    BOOST_REQUIRE(process);
    return std::move(*process);
}

std::string history_reason(Host& host, const std::string& name) {
    const auto answer = host.http("GET", "/v1/history?limit=1&partition=" + name);
    return Json::parse(answer.body)["history"].items().at(0)["reason"].text();
}

} // namespace

BOOST_AUTO_TEST_CASE(guest_powers_itself_off) {
    Host host;
    host.create({.name = "t", .steps = "poweroff"}, {"--wait", "shutoff"});
    BOOST_TEST(!host.exists("t")); // transient
    BOOST_TEST(history_reason(host, "t") == "guest-poweroff");

    host.create({.name = "p", .steps = "poweroff"}, {"--define", "--wait", "shutoff"});
    BOOST_TEST(host.view("p")["state"].text() == "shutoff");
    BOOST_TEST(host.view("p")["reason"].text() == "guest-poweroff");
    BOOST_TEST(host.view("p")["last_exit"]["reason"].text() == "guest-poweroff");
}

BOOST_AUTO_TEST_CASE(a_guest_that_runs_once_ends_the_command_with_its_status) {
    Host host;
    const auto run = [&](const std::string& name, const std::string& steps,
                         const std::vector<std::string>& options) {
        const auto file =
            host.write_file(name + ".xml", GuestXml{.name = name, .steps = steps}.text());
        std::vector<std::string> words{"run", "--no-input", file};
        words.insert(words.end(), options.begin(), options.end());
        return host.ctl(words);
    };
    const auto done = run("fine", "count:20000,poweroff", {});
    BOOST_TEST(done.status == 0);
    // From the first byte, although it said more than a console's ring has.
    BOOST_TEST(contains(done.out, "MSHV-GUEST-HELLO"));
    BOOST_TEST(contains(done.out, "N000000001\r\nN000000002"));
    BOOST_TEST(contains(done.out, "N000020000"));
    const auto three = run("three", "exit:3", {});
    BOOST_TEST(three.status == 3, three.err);
    BOOST_TEST(contains(host.ok({"history", "three"}), "guest-poweroff"));
    const auto panicked = run("panics", "panic", {});
    BOOST_TEST(panicked.status == 255);
    BOOST_TEST(contains(panicked.err, "it ended by guest-panic"));
    const auto late = run("late", "shell", {"--rm", "--timeout", "8s"});
    BOOST_TEST(late.status == 255);
    BOOST_TEST(!host.exists("late"));
    const auto left = run("left", "shell", {"--timeout", "8s"});
    BOOST_TEST(left.status == 255);
    BOOST_TEST(host.exists("left"));
    const auto json = host.ctl({"--json", "run", host.path("three.xml")});
    BOOST_TEST(json.status == 3);
    BOOST_TEST(Json::parse(json.out)["status"].number() == 3);
}

BOOST_AUTO_TEST_CASE(guest_reboots_itself) {
    Host host;
    const auto disk = host.write_file("disk", std::string(1 << 20, '\0'), 0666);
    const auto before = host.last_event();
    host.create({.name = "r", .steps = "reboot-once,say:SECOND", .devices = {disk_xml(disk)}});
    const auto keeper = host.keeper_pid("r");
    const auto vmm = host.vmm_pid("r");
    auto console = host.session({"console", "--no-input", "--replay", "all", "r"});
    console.wait_for("SECOND", guest_time());
    // One console session saw both lives.
    console.wait_for("MSHV-GUEST-HELLO", 2, soon());
    BOOST_TEST(host.keeper_pid("r") == keeper);
    BOOST_TEST(host.vmm_pid("r") != vmm);
    BOOST_TEST(host.view("r")["runtime"]["generation"].number() == 2);
    host.wait_event(before, became("r", "restarting", "guest-reboot"));
    host.wait_event(before, became("r", "running", "guest-reboot"));
}

BOOST_AUTO_TEST_CASE(on_reboot_destroy_and_on_poweroff_restart) {
    Host host;
    host.create({.name = "d", .steps = "reboot", .on_reboot = "destroy"},
                {"--define", "--wait", "shutoff"});
    BOOST_TEST(host.view("d")["reason"].text() == "guest-reboot");
    const auto before = host.last_event();
    host.create({.name = "again", .steps = "line,poweroff", .on_poweroff = "restart"});
    host.wait_console("again", "MSHV-GUEST-WAITS");
    auto console = host.session({"console", "--replay", "0", "again"});
    console.write("go\n");
    host.wait_event(before, [](const Json& event) {
        return event.get("name") == "again" && event.get("from") == "restarting" &&
               event.get("to") == "running";
    });
    host.wait_console("again", "MSHV-GUEST-HELLO", 2);
}

BOOST_AUTO_TEST_CASE(guest_panics_and_is_destroyed) {
    Host host;
    host.create({.name = "c", .steps = "panic"}, {"--define"});
    host.wait_state("c", "crashed");
    BOOST_TEST(host.view("c")["reason"].text() == "guest-panic");
    BOOST_TEST(!host.view("c").has("runtime"));
    BOOST_TEST(contains(host.ok({"console", "--log", "c"}), "Kernel panic"));
    host.ok({"start", "c"}); // a crash does not block the next start
    host.wait_state("c", "crashed");
}

BOOST_AUTO_TEST_CASE(guest_panics_and_is_restarted) {
    Host host;
    const auto before = host.last_event();
    host.create({.name = "c",
                 .steps = "panic",
                 .on_crash = "restart",
                 .restart = "policy='on-failure' delay='1' maxdelay='1' limit='2' window='600'"},
                {"--define"});
    host.wait_event(before, became("c", "restarting"));
    // Given up after two respawns: it panics every time.
    host.wait_state("c", "crashed", 120s);
    BOOST_TEST(host.view("c")["reason"].text() == "restart-limit");
    BOOST_TEST(Json::parse(host.http("GET", "/v1/history?limit=1&partition=c").body)["history"]
                   .items()
                   .at(0)["generations"]
                   .number() == 3);
}

BOOST_AUTO_TEST_CASE(guest_panics_and_is_preserved) {
    Host host;
    host.create({.name = "c", .steps = "panic", .on_crash = "preserve"});
    host.wait_state("c", "crashed");
    BOOST_TEST(host.view("c")["reason"].text() == "guest-panic");
    BOOST_TEST(host.view("c").has("runtime")); // its VMM is still there, to be looked at
    BOOST_TEST(hold(host.vmm_pid("c")).alive());
    BOOST_TEST(contains(host.wait_console("c", "Kernel panic"), "MSHV-GUEST-END panic"));
    host.ok({"destroy", "c"});
    BOOST_TEST(!host.exists("c"));
}

BOOST_AUTO_TEST_CASE(vmm_is_killed) {
    Host host;
    host.create({.name = "k", .steps = "shell"}, {"--define"});
    const auto vmm = hold(host.vmm_pid("k"));
    vmm.signal(SIGKILL);
    host.wait_state("k", "crashed");
    BOOST_TEST(host.view("k")["reason"].text() == "vmm-killed");
    BOOST_TEST(host.view("k")["last_exit"]["signal"].number() == SIGKILL);
}

BOOST_AUTO_TEST_CASE(vmm_is_killed_and_restarted_with_backoff_and_limit) {
    Host host;
    host.create({.name = "k",
                 .steps = "shell",
                 .restart = "policy='on-failure' delay='1' maxdelay='2' limit='2' window='600'"},
                {"--define"});
    const auto keeper = host.keeper_pid("k");
    for (int generation = 1; generation <= 3; ++generation) {
        host.wait_state("k", "running");
        BOOST_TEST(host.view("k")["runtime"]["generation"].number() == generation);
        BOOST_TEST(host.keeper_pid("k") == keeper);
        const auto before = host.last_event();
        hold(host.vmm_pid("k")).signal(SIGKILL);
        host.wait_event(before, became("k", generation < 3 ? "restarting" : "crashed",
                                       generation < 3 ? "vmm-killed" : "restart-limit"));
    }
    BOOST_TEST(host.view("k")["state"].text() == "crashed");
}

BOOST_AUTO_TEST_CASE(destroy_ends_a_partition_that_waits_for_its_respawn) {
    Host host;
    host.create({.name = "w",
                 .steps = "shell",
                 .restart = "policy='always' delay='600' maxdelay='600' limit='5' window='600'"},
                {"--define"});
    hold(host.vmm_pid("w")).signal(SIGKILL);
    host.wait_state("w", "restarting");
    host.ok({"destroy", "w"});
    BOOST_TEST(host.view("w")["state"].text() == "shutoff");
    BOOST_TEST(host.view("w")["reason"].text() == "destroyed");
}

BOOST_AUTO_TEST_CASE(vmm_is_stopped) {
    Host host;
    host.create({.name = "frozen", .steps = "shell"}, {"--define"});
    host.create({.name = "other", .steps = "tick:200"}, {"--define"});
    const auto vmm = hold(host.vmm_pid("frozen"));
    vmm.signal(SIGSTOP);
    // An operation on it hangs …
    auto pause = host.session({"pause", "frozen"});
    host.wait_event(0, [](const Json& event) { return !event.get("kind").empty(); });
    // … and everybody else does not.
    for (int i = 0; i < 20; ++i) {
        BOOST_TEST(contains(host.ok({"list"}), "other"));
        BOOST_TEST(host.view("frozen")["name"].text() == "frozen");
    }
    host.ok({"pause", "other"});
    host.ok({"unpause", "other"});
    host.create({.name = "new", .steps = "shell"});
    host.ok({"destroy", "new"});
    (void)pause.finish(guest_time());
    host.ok({"destroy", "--wait-busy", "30", "frozen"});
    BOOST_TEST(!vmm.alive());
    BOOST_TEST(host.view("frozen")["state"].text() == "shutoff");
    BOOST_TEST(host.view("other")["state"].text() == "running");
}

BOOST_AUTO_TEST_CASE(a_stopped_vmm_is_seen_as_unresponsive_and_may_recover) {
    Host host;
    host.create({.name = "slow", .steps = "tick:200"});
    const auto vmm = hold(host.vmm_pid("slow"));
    const auto before = host.last_event();
    vmm.signal(SIGSTOP);
    host.wait_event(before,
                    [](const Json& event) { return contains(event.get("kind"), "unresponsive"); });
    BOOST_TEST(!host.view("slow")["runtime"]["responsive"].flag());
    vmm.signal(SIGCONT);
    host.wait_event(before,
                    [](const Json& event) { return contains(event.get("kind"), ".responsive"); });
    BOOST_TEST(host.view("slow")["runtime"]["responsive"].flag());
}

BOOST_AUTO_TEST_CASE(keeper_is_killed) {
    Host host;
    host.create({.name = "k", .steps = "shell"}, {"--define"});
    const auto vmm = hold(host.vmm_pid("k"));
    hold(host.keeper_pid("k")).signal(SIGKILL);
    host.wait_state("k", "crashed");
    BOOST_TEST(host.view("k")["reason"].text() == "keeper-lost");
    vmm.wait_ended(soon()); // never a VMM without a keeper
    host.ok({"start", "k"});
    host.wait_state("k", "running");
}

BOOST_AUTO_TEST_CASE(keeper_and_vmm_are_killed_together) {
    Host host;
    host.create({.name = "k", .steps = "shell"}, {"--define"});
    const auto vmm = hold(host.vmm_pid("k"));
    hold(host.keeper_pid("k")).signal(SIGKILL);
    vmm.signal(SIGKILL);
    host.wait_state("k", "crashed");
}

BOOST_AUTO_TEST_CASE(keeper_is_killed_and_its_partition_started_again) {
    Host host;
    const std::string policy = "policy='on-failure' delay='1' maxdelay='1' limit='2' window='600'";
    host.create({.name = "kept", .steps = "shell", .restart = policy}, {"--define"});
    host.create({.name = "once", .steps = "shell", .restart = policy});
    for (const std::string name : {"kept", "once"}) {
        const auto keeper = host.keeper_pid(name);
        const auto vmm = hold(host.vmm_pid(name));
        auto before = host.last_event();
        hold(keeper).signal(SIGKILL);
        host.wait_event(before, became(name, "crashed", "keeper-lost"));
        host.wait_event(before, became(name, "running", "restarted"));
        BOOST_TEST(!vmm.alive()); // never two VMMs of one partition
        BOOST_TEST(host.keeper_pid(name) != keeper);
        host.wait_console(name, "MSHV-GUEST-HELLO");
        // The next time nobody is there to see it.
        before = host.last_event();
        const auto second = hold(host.vmm_pid(name));
        const auto second_keeper = hold(host.keeper_pid(name));
        host.kill_daemon();
        second_keeper.signal(SIGKILL);
        second_keeper.wait_ended(soon());
        BOOST_REQUIRE(host.start_daemon());
        host.wait_event(before, became(name, "running", "restarted"));
        BOOST_TEST(!second.alive());
    }
    hold(host.keeper_pid("kept")).signal(SIGKILL); // too often
    host.wait_state("kept", "crashed");
    BOOST_TEST(host.view("kept")["reason"].text() == "restart-limit");
}

BOOST_AUTO_TEST_CASE(destroy_ends_a_partition_that_waits_after_its_keepers_death) {
    Host host;
    host.create({.name = "w",
                 .steps = "shell",
                 .restart = "policy='always' delay='600' maxdelay='600' limit='5' window='600'"},
                {"--define"});
    hold(host.keeper_pid("w")).signal(SIGKILL);
    host.wait_state("w", "crashed");
    BOOST_TEST(host.view("w")["operation"]["verb"].text() == "restart");
    host.kill_daemon();
    BOOST_REQUIRE(host.start_daemon()); // it waits on
    BOOST_TEST(host.view("w")["operation"]["verb"].text() == "restart");
    host.ok({"destroy", "w"});
    BOOST_TEST(host.view("w")["state"].text() == "shutoff");
    BOOST_TEST(!host.view("w").has("operation"));
}

BOOST_AUTO_TEST_CASE(balloon_and_unplugged_nic_hold_in_each_generation) {
    Host host;
    auto guest = GuestXml{.name = "b",
                          .memory_mib = 256,
                          .devices = {"<interface type='user'><model type='virtio'/>"
                                      "<link state='down'/></interface>",
                                      "<interface type='user'><model type='virtio'/></interface>"}}
                     .text();
    guest.insert(guest.find("<vcpu"), "<currentMemory unit='MiB'>160</currentMemory>\n  ");
    host.ok({"create", host.write_file("b.xml", guest)});
    for (int generation = 1; generation <= 2; ++generation) {
        host.wait_console("b", "MSHV-GUEST-READY", static_cast<std::size_t>(generation));
        auto shell = host.session({"console", "b"});
        shell.write("for i in 0 1; do ip link set eth$i up; cat /sys/class/net/eth$i/carrier; done "
                    "| tr -d '\\n' | sed s/^/CARRIER=/\n");
        shell.wait_for("CARRIER=01", guest_time());
        shell.write("while [ $(sed -n 's/MemTotal: *\\([0-9]*\\).*/\\1/p' /proc/meminfo) "
                    "-gt 170000 ]; do sleep 1; done; echo DONE | sed s/^/BALLOON-/\n");
        shell.wait_for("BALLOON-DONE", guest_time());
        if (generation == 1) {
            host.ok({"reset", "b"});
        }
    }
}

BOOST_AUTO_TEST_CASE(boots_from_disk_by_firmware) {
    Host host;
    for (const std::string format : {"raw", "qcow2"}) {
        const auto disk = host.path("disk." + format);
        BOOST_REQUIRE_EQUAL(run({"/bin/cp", guest_disk(format), disk}).status, 0);
        BOOST_REQUIRE_EQUAL(run({"/bin/chmod", "666", disk}).status, 0);
        host.create({.name = format,
                     .memory_mib = 192,
                     .firmware_boot = true,
                     .devices = {disk_xml(disk, format)}});
        host.wait_console(format, "MSHV-GUEST-READY");
        auto shell = host.session({"console", format});
        shell.write("\n");
        shell.wait_for("MSHV-GUEST#", guest_time());
        shell.write("cat /proc/cmdline\n");
        shell.wait_for("mshv.booted=disk", guest_time());
        host.ok({"destroy", format});
    }
}

BOOST_AUTO_TEST_CASE(virtio_console_and_network) {
    Host host;
    host.create({.name = "v",
                 .console = "hvc0",
                 .devices = {"<interface type='user'><model type='virtio'/></interface>",
                             "<interface type='user'><model type='virtio'/></interface>"}});
    host.wait_console("v", "MSHV-GUEST-READY");
    auto shell = host.session({"console", "v"});
    shell.write("ls /sys/class/net | wc -w | sed s/^/COUNT=/\n");
    shell.wait_for("COUNT=3", guest_time());
}

BOOST_AUTO_TEST_CASE(bridged_network_leaves_no_tap) {
    Host host; // its destructor compares the interfaces
    const std::string bridge = "e2e" + std::to_string(::getpid() % 100000);
    const auto ip = [&](std::vector<std::string> words) {
        words.insert(words.begin(), "/sbin/ip");
        return run(words).status;
    };
    if (ip({"link", "add", bridge, "type", "bridge"}) != 0) {
        BOOST_TEST_MESSAGE("this kernel makes no bridges: not tested");
        return;
    }
    host.create({.name = "b",
                 .steps = "shell",
                 .devices = {"<interface type='bridge'><source bridge='" + bridge +
                             "'/><model type='virtio'/></interface>"}});
    host.wait_console("b", "MSHV-GUEST-READY");
    BOOST_TEST(contains(run({"/bin/ls", "/sys/class/net/" + bridge + "/brif"}).out, "m"));
    {
        auto shell = host.session({"console", "b"});
        shell.write("ifconfig eth0 10.9.9.1; ping -c 1 -W 1 10.9.9.2; echo SENT=$((40+2))\n");
        shell.wait_for("SENT=42", guest_time());
    }
    {
        // A rate is between two samples, so the second is of a time when it had sent something.
        auto top = host.session({"--json", "top", "-d", "200ms"});
        top.wait_for("\"network_sent_per_second\"", guest_time());
        BOOST_TEST(host.view("b")["runtime"]["network_sent"].number() > 0);
    }
    host.kill_daemon();
    BOOST_REQUIRE(host.start_daemon());
    host.ok({"destroy", "b"});
    BOOST_TEST(run({"/bin/ls", "/sys/class/net/" + bridge + "/brif"}).out == "");
    BOOST_TEST(ip({"link", "del", bridge}) == 0);
}
