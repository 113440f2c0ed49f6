// SPDX-License-Identifier: Apache-2.0
//
// Every verb of mshvctl at least once against a real guest, and the exit status of each way to
// fail.
#include "tests/e2e/lib/host.hpp"
#include "tests/e2e/lib/installation.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace mshv::e2e;
namespace fs = std::filesystem;

BOOST_AUTO_TEST_CASE(create_look_and_destroy) {
    Host host;
    host.create({.name = "web", .steps = "shell"});
    const auto list = host.ok({"list"});
    BOOST_TEST(contains(list, "Name"));
    BOOST_TEST(contains(list, "web"));
    const auto json = Json::parse(host.ok({"--json", "list"}))["items"].items();
    BOOST_REQUIRE_EQUAL(json.size(), 1U);
    BOOST_TEST(json[0]["name"].text() == "web");
    BOOST_TEST(json[0]["state"].text() == "running");
    BOOST_TEST(json[0]["memory"].number() == 128 << 20);
    BOOST_TEST(json[0]["persistent"].flag() == false);
    BOOST_TEST(json[0]["runtime"]["accelerator"].text() == "tcg");

    const auto id = host.ok({"domid", "web"});
    BOOST_TEST(host.ok({"domname", id.substr(0, id.size() - 1)}) == "web\n");
    const auto uuid = json[0]["uuid"].text();
    BOOST_TEST(host.ok({"domname", uuid.substr(0, 8)}) == "web\n");
    BOOST_TEST(host.ok({"domname", "uuid:" + uuid}) == "web\n");
    BOOST_TEST(contains(host.ok({"uptime", "web"}), "web"));
    BOOST_TEST(contains(host.ok({"vcpu-list", "web"}), "web"));
    const std::string metrics = host.ok({"metrics"});
    BOOST_TEST(contains(metrics, "mshv_partitions{state=\"running\"} 1\n"));
    BOOST_TEST(contains(metrics, "mshv_partition_responsive{partition=\"web\","));
    BOOST_TEST(contains(host.ok({"top", "-i", "1", "--format", "xl"}), "       web -----r "));
    const auto look = Json::parse(host.ok({"--json", "top", "-i", "1", "-v"}))["items"].items();
    BOOST_REQUIRE_EQUAL(look.size(), 1U);
    BOOST_TEST(look[0]["partition"]["uuid"].text() == uuid);
    BOOST_TEST(look[0]["vcpu_cpu_time_ms"].items().size() == 1U);
    BOOST_TEST(contains(host.ok({"info", "web"}), uuid));
    const auto facts = host.ok({"info", "--numa"});
    BOOST_TEST(contains(facts, "total_memory"));
    BOOST_TEST(contains(facts, "cores_per_socket"));
    BOOST_TEST(contains(facts, "cpu:    core    socket     node\n  0:"));
    const auto claims = Json::parse(host.ok({"--json", "claims"}))["host"];
    BOOST_REQUIRE_EQUAL(claims["claims"].items().size(), 1U);
    BOOST_TEST(claims["claims"].items()[0]["memory"].number() == 128 << 20);
    BOOST_TEST(claims["available"].number() < claims["total"].number());
    BOOST_TEST(contains(host.ok({"claims", "--format", "xl"}), "State\tTime(s)  Claimed\nweb  "));
    BOOST_TEST(contains(host.ok({"claims"}), ", room "));
    BOOST_TEST(contains(host.ok({"info", "outstanding_claims"}), "\n"));
    BOOST_TEST(contains(host.ok({"dumpxml", "web"}), "<name>web</name>"));
    BOOST_TEST(contains(host.ok({"list", "-o", "name,uuid,state"}), uuid));
    BOOST_TEST(contains(host.ok({"list", "-l"}), "\"config\""));

    host.ok({"destroy", "web"});
    BOOST_TEST(!host.exists("web"));
    BOOST_TEST(!contains(host.ok({"list", "-a"}), "web"));
    BOOST_TEST(contains(host.ok({"history", "web"}), "destroyed"));
    const auto events = host.ok({"events", "--since", "0"});
    BOOST_TEST(contains(events, "web"));
    host.fails(3, {"destroy", "web"});
}

BOOST_AUTO_TEST_CASE(what_the_host_has_no_memory_for_does_not_start) {
    Host host;
    const auto file =
        host.write_file("big.xml", GuestXml{.name = "big", .memory_mib = 64U << 20U}.text());
    host.ok({"define", file});
    BOOST_TEST(
        contains(host.fails(12, {"start", "big"}), "No room for 'big': it needs 67108928 MiB"));
    BOOST_TEST(contains(host.ok({"history", "big"}), "No room"));
    BOOST_TEST(
        contains(host.fails(12, {"create", file, "--name", "other"}), "No room for 'other'"));
    BOOST_TEST(!host.exists("other"));
}

BOOST_AUTO_TEST_CASE(define_start_stop_undefine) {
    Host host;
    const GuestXml guest{.name = "db", .steps = "shell"};
    host.define(guest);
    BOOST_TEST(host.view("db")["state"].text() == "shutoff");
    BOOST_TEST(!contains(host.ok({"list"}), "db"));
    BOOST_TEST(contains(host.ok({"list", "-a"}), "db"));
    BOOST_TEST(host.ok({"dumpxml", "--as-given", "db"}) == guest.text());
    host.fails(4, {"define", host.path("db.xml")});
    host.ok({"define", "--replace", "--set", "memory=192M", host.path("db.xml")});
    BOOST_TEST(host.view("db")["memory"].number() == 192 << 20);

    host.ok({"start", "db"});
    host.wait_state("db", "running");
    host.fails(5, {"start", "db"});
    const auto id = host.view("db")["id"].number();
    host.ok({"destroy", "db"});
    BOOST_TEST(host.view("db")["state"].text() == "shutoff");
    BOOST_TEST(host.view("db")["id"].number() == id);
    host.fails(5, {"destroy", "db"});
    host.ok({"undefine", "db"});
    host.fails(3, {"undefine", "db"});
    host.define(guest);
    BOOST_TEST(host.view("db")["id"].number() > id); // numbers are never reused
}

BOOST_AUTO_TEST_CASE(undefine_while_it_runs_makes_it_transient) {
    Host host;
    host.create({.name = "once", .steps = "shell"}, {"--define"});
    BOOST_TEST(host.view("once")["persistent"].flag());
    host.ok({"undefine", "once"});
    BOOST_TEST(!host.view("once")["persistent"].flag());
    host.ok({"destroy", "once"});
    BOOST_TEST(!host.exists("once"));
}

BOOST_AUTO_TEST_CASE(pause_and_unpause) {
    Host host;
    host.create({.name = "p", .steps = "tick:100"}, {"-p"});
    BOOST_TEST(host.view("p")["state"].text() == "paused");
    host.fails(5, {"pause", "p"});
    host.ok({"unpause", "p"});
    host.wait_console("p", "T1\r\n");
    host.ok({"pause", "p"});
    BOOST_TEST(host.view("p")["state"].text() == "paused");
    BOOST_TEST(contains(host.ok({"list"}), "p"));
    host.ok({"unpause", "p"});
    host.wait_state("p", "running");
    host.fails(5, {"unpause", "p"});
}

BOOST_AUTO_TEST_CASE(create_takes_changes_from_the_command_line) {
    Host host;
    const auto file = host.write_file("g.xml", GuestXml{.name = "g", .steps = "shell"}.text());
    host.ok({"create", "--define", "--name", "other", "--set", "memory=160M", "--wait", "running",
             file});
    BOOST_TEST(host.view("other")["memory"].number() == 160 << 20);
    BOOST_TEST(!host.exists("g"));
    const auto canonical = host.ok({"create", "-n", file});
    BOOST_TEST(contains(canonical, "<name>g</name>"));
    BOOST_TEST(!host.exists("g"));
    // What create -n prints is a document that means the same.
    host.ok({"create", host.write_file("canonical.xml", canonical)});
    BOOST_TEST(host.exists("g"));
    BOOST_TEST(contains(host.ok({"destroy", "-N", "g"}), "would"));
    BOOST_TEST(host.exists("g"));
    host.ok({"create", "-q", "-"}, GuestXml{.name = "stdin", .steps = "shell"}.text());
    BOOST_TEST(host.exists("stdin"));
}

BOOST_AUTO_TEST_CASE(rename_running_and_off) {
    Host host;
    host.create({.name = "old", .steps = "shell"}, {"--define"});
    host.define({.name = "off"});
    const auto uuid = host.view("old")["uuid"].text();
    host.ok({"rename", "old", "new"});
    BOOST_TEST(host.view("new")["uuid"].text() == uuid);
    BOOST_TEST(!host.exists("old"));
    BOOST_TEST(contains(host.ok({"dumpxml", "new"}), "<name>new</name>"));
    host.fails(4, {"rename", "off", "new"});
    host.ok({"rename", "off", "old"});
    host.fails(2, {"rename", "old", "no spaces"});
    host.ok({"destroy", "new"});
    BOOST_TEST(host.view("new")["state"].text() == "shutoff");
}

BOOST_AUTO_TEST_CASE(autostart_is_shown_and_changed) {
    Host host;
    host.define({.name = "a"});
    BOOST_TEST(contains(host.ok({"autostart", "a"}), "enabled: no"));
    host.ok({"autostart", "--enable", "--order", "7", "--delay", "3", "a"});
    BOOST_TEST(host.view("a")["autostart"].flag());
    const auto shown = host.ok({"autostart", "a"});
    BOOST_TEST(contains(shown, "enabled: yes"));
    BOOST_TEST(contains(shown, "order: 7"));
    BOOST_TEST(contains(host.ok({"dumpxml", "a"}), "order='7'"));
    host.ok({"autostart", "--disable", "a"});
    BOOST_TEST(!host.view("a")["autostart"].flag());
}

BOOST_AUTO_TEST_CASE(buttons_and_reset) {
    Host host;
    host.create({.name = "b", .steps = "mute"});
    host.wait_console("b", "MSHV-GUEST-READY");
    host.ok({"trigger", "b", "power"});
    host.wait_console("b", "MSHV-GUEST-POWER-BUTTON");
    BOOST_TEST(host.view("b")["state"].text() == "running"); // it did not obey
    const auto keeper = host.keeper_pid("b");
    const auto vmm = host.vmm_pid("b");
    host.ok({"reset", "b"});
    host.wait_state("b", "running");
    BOOST_TEST(host.keeper_pid("b") == keeper);
    BOOST_TEST(host.vmm_pid("b") != vmm);
    BOOST_TEST(host.view("b")["runtime"]["generation"].number() == 2);
    host.wait_console("b", "MSHV-GUEST-HELLO", 2);
    host.ok({"trigger", "b", "nmi"});
    host.fails(2, {"trigger", "b", "fire"});
}

BOOST_AUTO_TEST_CASE(shutdown_by_acpi_and_by_agent) {
    Host host;
    host.create({.name = "acpi"}, {"--define"});
    host.create({.name = "agent",
                 .devices = {"<channel type='unix'><target type='virtio' "
                             "name='org.qemu.guest_agent.0'/></channel>"}},
                {"--define"});
    host.wait_console("acpi", "MSHV-GUEST-READY");
    host.ok({"shutdown", "-w", "--method", "acpi", "--timeout", "60", "acpi"});
    BOOST_TEST(host.view("acpi")["state"].text() == "shutoff");
    BOOST_TEST(host.view("acpi")["reason"].text() == "shutdown");
    host.wait_console("agent", "MSHV-GUEST-AGENT");
    host.ok({"shutdown", "-w", "--method", "agent", "--timeout", "60", "agent"});
    BOOST_TEST(contains(host.ok({"console", "--log", "agent"}), "MSHV-GUEST-AGENT-SHUTDOWN"));
    BOOST_TEST(host.view("agent")["reason"].text() == "shutdown");
}

BOOST_AUTO_TEST_CASE(shutdown_escalates_when_it_was_told_so) {
    Host host;
    host.create({.name = "deaf", .steps = "mute"}, {"--define"});
    host.wait_console("deaf", "MSHV-GUEST-READY");
    // Not obeyed, and no escalation: it runs on.
    host.fails(9, {"shutdown", "-w", "--method", "acpi", "--timeout", "2", "deaf"});
    host.wait_state("deaf", "running");
    host.ok(
        {"shutdown", "-w", "--method", "acpi", "--timeout", "2", "--escalate", "destroy", "deaf"});
    BOOST_TEST(host.view("deaf")["state"].text() == "shutoff");
}

BOOST_AUTO_TEST_CASE(reboot_by_acpi_keeps_the_keeper) {
    Host host;
    // ACPI knows no reboot: the button ends the guest and the daemon has announced a respawn.
    host.create({.name = "r"}, {"--define"});
    host.wait_console("r", "MSHV-GUEST-READY");
    const auto keeper = host.keeper_pid("r");
    host.ok({"reboot", "--hard", "r"});
    host.wait_console("r", "MSHV-GUEST-HELLO", 2);
    BOOST_TEST(host.keeper_pid("r") == keeper);
    BOOST_TEST(host.view("r")["runtime"]["generation"].number() == 2);
}

BOOST_AUTO_TEST_CASE(destroy_asks_first_when_told) {
    Host host;
    host.create({.name = "g"}, {"--define"});
    host.wait_console("g", "MSHV-GUEST-READY");
    host.ok({"destroy", "--graceful", "30", "g"});
    BOOST_TEST(contains(host.ok({"console", "--log", "g"}), "MSHV-GUEST-END poweroff"));
}

BOOST_AUTO_TEST_CASE(protected_partitions_need_an_override) {
    Host host;
    host.create({.name = "safe", .mshv = {"<protect destroy='yes' delete='no'/>"}}, {"--define"});
    BOOST_TEST(contains(host.fails(11, {"destroy", "safe"}), "--override"));
    host.wait_state("safe", "running");
    host.ok({"destroy", "--override", "safe"});
}

BOOST_AUTO_TEST_CASE(every_exit_status) {
    Host host;
    host.create({.name = "one", .steps = "shell"});
    host.define({.name = "off"});
    host.fails(2, {"list", "--no-such-option"});
    host.fails(2, {"no-such-verb"});
    host.fails(2, {"destroy", ""});
    host.fails(2, {"destroy", "0"});
    host.fails(2, {"destroy", "id:0"});
    host.fails(3, {"destroy", "nobody"});
    host.fails(4, {"create", host.path("one.xml")});
    host.fails(5, {"destroy", "off"});
    host.fails(6, {"create", host.write_file("bad.xml", "<partition><nam>x</nam></partition>")});
    host.fails(9, {"wait", "--state", "shutoff", "--timeout", "200ms", "one"});
    host.fails(10, {"--connect", host.path("nowhere.sock"), "list"});
    host.fails(13, {"destroy", "off", "one", "nobody"});
    BOOST_TEST(!host.exists("one"));
    // Errors are one JSON object when asked for.
    const auto error = Json::parse(host.fails(3, {"--json", "destroy", "nobody"}))["error"];
    BOOST_TEST(error["code"].text() == "not_found");
    BOOST_TEST(contains(error["message"].text(), "nobody"));
}

BOOST_AUTO_TEST_CASE(events_and_wait_follow_a_life) {
    Host host;
    const auto before = host.last_event();
    auto follower =
        host.session({"--json", "events", "--follow", "--since", std::to_string(before)});
    host.create({.name = "e", .steps = "poweroff"}, {"--wait", "shutoff"});
    follower.wait_for("\"guest-poweroff\"", soon());
    std::int64_t last = before;
    std::istringstream lines(follower.output());
    for (std::string line; std::getline(lines, line);) {
        const auto seq = Json::parse(line)["seq"].number();
        BOOST_TEST(seq == last + 1);
        last = seq;
    }
    BOOST_TEST(contains(host.ok({"history", "e"}), "guest-poweroff"));
    const auto limited = host.ok({"--json", "events", "--since", "0", "--limit", "2"});
    BOOST_TEST(std::count(limited.begin(), limited.end(), '\n') == 2);
}

BOOST_AUTO_TEST_CASE(a_support_bundle_has_what_there_is_and_no_command_lines) {
    Host host;
    host.create({.name = "b", .steps = "shell"}, {"--define"});
    const auto file = host.path("whole.tar.gz");
    BOOST_TEST(host.ok({"support-bundle", "-o", file}) == file + "\n");
    BOOST_CHECK(fs::status(file).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
    const auto packed = [&](const std::string& name, const std::string& part) {
        return run({"/bin/tar", "--extract", "--to-stdout", "--wildcards", "--file", name,
                    "*/" + part})
            .out;
    };
    const auto xml = packed(file, "partitions/b.xml");
    BOOST_TEST(contains(host.ok({"dumpxml", "b"}), "mshv.test="));
    BOOST_TEST(contains(xml, "<name>b</name>"));
    BOOST_TEST(!contains(xml, "mshv.test="), xml);
    BOOST_TEST(contains(packed(file, "partitions.json"), "\"b\""));
    BOOST_TEST(contains(packed(file, "metrics.txt"), "mshv_partitions{state=\"running\"} 1\n"));
    host.fails(4, {"support-bundle", "-o", file});

    host.stop_daemon();
    const auto without = host.path("without.tar.gz");
    const auto outcome = host.ctl({"support-bundle", "-o", without});
    BOOST_TEST(outcome.status == 0);
    BOOST_TEST(contains(outcome.err, "without partitions"), outcome.err);
    BOOST_TEST(contains(packed(without, "doctor.json"), "/dev/mshv"));
    BOOST_REQUIRE(host.start_daemon());
}

BOOST_AUTO_TEST_CASE(verbs_that_need_no_daemon) {
    Host host;
    const std::vector<std::string> nowhere{"--connect", "/nonexistent"};
    const auto offline = [&](std::vector<std::string> words) {
        words.insert(words.begin(), nowhere.begin(), nowhere.end());
        return host.ok(words);
    };
    BOOST_TEST(contains(offline({"version", "--client"}), MSHV_VERSION));
    BOOST_TEST(contains(host.ok({"version"}), MSHV_VERSION));
    BOOST_TEST(contains(offline({"help"}), "create"));
    BOOST_TEST(contains(offline({"help", "create"}), "--define"));
    for (const char* shell : {"bash", "zsh", "fish"}) {
        BOOST_TEST(contains(offline({"completion", shell}), "mshvctl"));
    }
    const auto script = host.write_file("completion.bash", offline({"completion", "bash"}));
    BOOST_TEST(run({"/bin/bash", "-n", script}).status == 0);
    BOOST_TEST(contains(offline({"check", host.write_file("ok.xml", GuestXml{.name = "x"}.text())}),
                        "valid"));
    // What a program writes into the kernel's log is not shown as the kernel's.
    std::ofstream("/dev/kmsg") << "mshv: of a program\n" << std::flush;
    BOOST_TEST(!contains(offline({"dmesg"}), "mshv: of a program"));
    BOOST_TEST(contains(offline({"--json", "dmesg"}), "\"items\":["));
    const auto doctor = host.ctl({"doctor"});
    BOOST_TEST((doctor.status == 0 || doctor.status == 1));
    BOOST_TEST(contains(doctor.out, "/dev/mshv"));
}
