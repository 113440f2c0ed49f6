// SPDX-License-Identifier: Apache-2.0
//
// The daemon dies, comes back, is asked by the wrong people, and is asked much at once.
#include "tests/e2e/lib/host.hpp"
#include "tests/e2e/lib/installation.hpp"
#include "tests/e2e/lib/processes.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <map>
#include <sstream>
#include <system_error>

using namespace mshv::e2e;

namespace {

struct Life {
    pid_t keeper = 0, vmm = 0;
    std::int64_t started = 0, id = 0;
    std::string incarnation;
    bool operator==(const Life&) const = default;
};

std::map<std::string, Life> lives(Host& host) {
    std::map<std::string, Life> result;
    for (const auto& row : host.rows()) {
        if (row.has("runtime")) {
            const auto runtime = row["runtime"];
            result[row["name"].text()] = {static_cast<pid_t>(runtime["keeper_pid"].number()),
                                          static_cast<pid_t>(runtime["vmm_pid"].number()),
                                          runtime["started_ms"].number(), row["id"].number(),
                                          runtime["incarnation"].text()};
        }
    }
    return result;
}

} // namespace

BOOST_AUTO_TEST_CASE(guests_outlive_a_killed_daemon) {
    Host host;
    for (const char* name : {"a", "b", "c"}) {
        host.create({.name = name, .steps = "tick:500"}, {"--define"});
    }
    host.ok({"pause", "b"});
    host.define({.name = "off"});
    host.wait_console("a", "T2");
    const auto before = lives(host);
    BOOST_REQUIRE_EQUAL(before.size(), 3U);
    const auto last = host.last_event();
    const auto uptime = host.view("a")["runtime"]["uptime_ms"].number();

    host.kill_daemon();
    host.fails(10, {"list"});
    BOOST_REQUIRE(host.start_daemon());

    BOOST_TEST((lives(host) == before));
    BOOST_TEST(host.view("a")["state"].text() == "running");
    BOOST_TEST(host.view("b")["state"].text() == "paused");
    BOOST_TEST(host.view("off")["state"].text() == "shutoff");
    BOOST_TEST(host.view("a")["runtime"]["uptime_ms"].number() > uptime);
    // Events go on where they were, without a gap, and tell of no death.
    const auto events = host.events(last);
    std::int64_t seq = last;
    for (const auto& event : events) {
        BOOST_TEST(event["seq"].number() == ++seq);
        BOOST_TEST((!event.has("to") || event.get("to") != "crashed"));
    }
    host.ok({"unpause", "b"});
    host.ok(
        {"shutdown", "-w", "--method", "acpi", "--timeout", "60", "--escalate", "destroy", "a"});
}

BOOST_AUTO_TEST_CASE(sigterm_leaves_guests_running) {
    Host host;
    host.create({.name = "g", .steps = "tick:500"}, {"--define"});
    const auto before = lives(host);
    BOOST_TEST(host.stop_daemon() == 0);
    BOOST_TEST(descendants().contains(before.at("g").vmm));
    BOOST_TEST(descendants().contains(before.at("g").keeper));
    BOOST_REQUIRE(host.start_daemon());
    BOOST_TEST((lives(host) == before));
}

BOOST_AUTO_TEST_CASE(what_ends_while_no_daemon_runs_is_known_afterwards) {
    Host host;
    host.create({.name = "off", .steps = "line,poweroff"}, {"--define"});
    host.create({.name = "transient", .steps = "line,poweroff"});
    host.create({.name = "killed", .steps = "line"}, {"--define"});
    host.create({.name = "again", .steps = "line,reboot"}, {"--define"});
    std::map<std::string, Program> consoles;
    for (const char* name : {"off", "transient", "killed", "again"}) {
        consoles.emplace(name, host.session({"console", "--replay", "all", name}));
        consoles.at(name).wait_for("MSHV-GUEST-WAITS", guest_time()); // so it is attached
    }
    const auto before = host.last_event();
    const auto generation_one = lives(host);
    host.kill_daemon();
    for (const char* name : {"off", "transient", "again"}) {
        consoles.at(name).write("go\n");
    }
    ::kill(generation_one.at("killed").vmm, SIGKILL);
    consoles.at("off").wait_for("MSHV-GUEST-END", guest_time());
    consoles.at("transient").wait_for("MSHV-GUEST-END", guest_time());
    consoles.at("again").wait_for("MSHV-GUEST-HELLO", 2, guest_time()); // its second life
    consoles.clear();
    BOOST_REQUIRE(host.start_daemon());
    host.wait_state("off", "shutoff");
    BOOST_TEST(host.view("off")["reason"].text() == "guest-poweroff");
    host.wait_state("killed", "crashed");
    BOOST_TEST(host.view("killed")["reason"].text() == "vmm-killed");
    BOOST_TEST(host.view("killed")["last_exit"]["signal"].number() == SIGKILL);
    host.wait_state("again", "running");
    BOOST_TEST(host.view("again")["runtime"]["generation"].number() == 2);
    BOOST_TEST(contains(host.ok({"history", "transient"}), "guest-poweroff"));
    host.wait_event(before, [](const Json& event) {
        return event.get("name") == "again" && event.get("to") == "restarting";
    });
}

BOOST_AUTO_TEST_CASE(a_shutdown_goes_on_after_a_kill_of_the_daemon) {
    Host host;
    host.create({.name = "deaf", .steps = "mute"}, {"--define"});
    host.wait_console("deaf", "MSHV-GUEST-READY");
    host.ok({"shutdown", "--method", "acpi", "--timeout", "8", "--escalate", "destroy", "deaf"});
    host.wait_console("deaf", "MSHV-GUEST-POWER-BUTTON");
    host.kill_daemon();
    BOOST_REQUIRE(host.start_daemon());
    host.wait_state("deaf", "shutoff"); // the ladder was climbed to its end
}

BOOST_AUTO_TEST_CASE(keepers_killed_while_no_daemon_runs) {
    Host host;
    host.create({.name = "k", .steps = "shell"}, {"--define"});
    const auto before = lives(host);
    host.kill_daemon();
    ::kill(before.at("k").keeper, SIGKILL);
    BOOST_REQUIRE(host.start_daemon());
    host.wait_state("k", "crashed");
    BOOST_TEST(host.view("k")["reason"].text() == "keeper-lost");
    BOOST_TEST(!descendants(host.awaited()).contains(before.at("k").vmm));
}

BOOST_AUTO_TEST_CASE(a_second_daemon_is_refused_and_harms_nothing) {
    Host host;
    host.create({.name = "g", .steps = "shell"});
    const auto before = lives(host);
    auto second = host.spawn_daemon();
    BOOST_TEST(second.finish(soon()).status != 0);
    BOOST_TEST(contains(host.daemon_log(), std::to_string(host.daemon_pid())));
    auto elsewhere = host.spawn_daemon({"--state-dir", host.path("state2")});
    BOOST_TEST(elsewhere.finish(soon()).status != 0); // the socket is taken
    BOOST_TEST((lives(host) == before));
    host.ok({"list"});
}

BOOST_AUTO_TEST_CASE(who_asked_for_what_is_in_the_audit_log) {
    Host host;
    const auto records = [&host] {
        std::vector<Json> result;
        std::istringstream lines(mshv::posix::read_file(host.path("log/audit.log"), 1 << 20));
        for (std::string line; std::getline(lines, line);) {
            result.push_back(Json::parse(line));
        }
        return result;
    };
    host.define({.name = "g"});
    host.ok({"list"});
    host.ok({"rename", "g", "h"});
    host.fails(3, {"destroy", "g"});
    const auto found = records();
    BOOST_TEST_REQUIRE(found.size() == 3U);
    BOOST_TEST(found[0]["path"].text() == "/v1/partitions");
    BOOST_TEST(found[1]["path"].text() == "/v1/partitions/g/rename");
    BOOST_TEST(contains(found[1]["asked"].text(), "\"h\""));
    BOOST_TEST(found[1]["uid"].number() == ::getuid());
    BOOST_TEST(found[1]["status"].number() == 200);
    BOOST_TEST(found[2]["status"].number() == 404);
    BOOST_TEST(contains(found[2]["error"].text(), "'g'"));
    // A new daemon goes on with the file.
    host.kill_daemon();
    BOOST_REQUIRE(host.start_daemon());
    host.ok({"undefine", "h"});
    BOOST_TEST(records().size() == 4U);
}

BOOST_AUTO_TEST_CASE(a_bad_configuration_is_named_with_its_line) {
    Host host;
    host.write_file("bad.toml", "[paths]\nstate_dir = \"/x\"\nstat_dir = \"/y\"\n[log]\nlevel=7\n");
    const auto outcome = run({mshvd_path(), "--config", host.path("bad.toml"), "--check-config"});
    BOOST_TEST(outcome.status == 6);
    BOOST_TEST(contains(outcome.err + outcome.out, "bad.toml:3:"));
    BOOST_TEST(contains(outcome.err + outcome.out, "state_dir")); // did you mean
    BOOST_TEST(contains(outcome.err + outcome.out, "bad.toml:5:"));
}

BOOST_AUTO_TEST_CASE(backup_while_it_works_and_fsck_when_it_does_not) {
    Host host;
    host.create({.name = "g", .steps = "shell"}, {"--define"});
    const std::vector<std::string> daemon{mshvd_path(), "--config", host.path("mshvd.toml")};
    auto backup = daemon;
    backup.insert(backup.end(), {"--backup", host.path("copy.db")});
    BOOST_TEST(run(backup).status == 0);
    auto fsck = daemon;
    fsck.emplace_back("--fsck");
    BOOST_TEST(contains(run(fsck).err, std::to_string(host.daemon_pid()))); // who has it open
    BOOST_REQUIRE_EQUAL(host.stop_daemon(), 0);
    const auto sound = run(fsck);
    BOOST_TEST(sound.status == 0, sound.out << sound.err);
    // The copy is a database that a daemon would take.
    fsck.insert(fsck.end(), {"--state-dir", host.path("restored")});
    BOOST_REQUIRE_EQUAL(run({"/bin/mkdir", host.path("restored")}).status, 0);
    BOOST_REQUIRE_EQUAL(
        run({"/bin/cp", host.path("copy.db"), host.path("restored/mshv.db")}).status, 0);
    const auto restored = run(fsck);
    BOOST_TEST(restored.status == 0, restored.out << restored.err);
}

BOOST_AUTO_TEST_CASE(roles) {
    // A user and a group that no file names: the kernel's word is all that counts.
    constexpr const char* readers = "61234";
    Host host({.fake_vmm = true, .config = {{"api.reader_group", "\"61234\""}}});
    host.create(host.fake_guest("g"));
    BOOST_REQUIRE_EQUAL(run({"/bin/chmod", "0755", host.path("run")}).status, 0);
    const auto as = [&](const char* group, std::vector<std::string> words) {
        std::vector<std::string> argv{"/usr/bin/setpriv", "--reuid=61000", "--regid=61000"};
        argv.push_back(group == nullptr ? "--clear-groups" : std::string("--groups=") + group);
        argv.push_back(mshvctl_path());
        argv.insert(argv.end(), words.begin(), words.end());
        return run(argv, {.env = {"MSHV_SOCKET=" + host.socket()}});
    };
    BOOST_TEST(as(nullptr, {"list"}).status == 11);
    BOOST_TEST(as(nullptr, {"destroy", "g"}).status == 11);
    const auto seen = as(readers, {"list"});
    BOOST_TEST(seen.status == 0);
    BOOST_TEST(contains(seen.out, "g"));
    BOOST_TEST(as(readers, {"info", "g"}).status == 0);
    BOOST_TEST(as(readers, {"history"}).status == 0);
    BOOST_TEST(as(readers, {"events", "--since", "0"}).status == 0);
    BOOST_TEST(as(readers, {"destroy", "g"}).status == 11);
    BOOST_TEST(as(readers, {"pause", "g"}).status == 11);
    BOOST_TEST(as(readers, {"console", "--no-input", "g"}).status == 11);
    BOOST_TEST(as(readers, {"console", "--log", "g"}).status == 11);
    BOOST_TEST(as(readers, {"undefine", "g"}).status == 11);
    BOOST_TEST(host.view("g")["state"].text() == "running");
}

BOOST_AUTO_TEST_CASE(refusals_come_before_the_body_is_read) {
    Host host({.fake_vmm = true});
    // 403 although no body follows, for a peer without a role; root gets 404 for what is not there.
    BOOST_TEST(host.http("GET", "/v1/nothing").status == 404);
    BOOST_TEST(host.http("PUT", "/v1/partitions").status == 405);
    BOOST_TEST(host.http("POST", "/v1/partitions", "{\"spec\":1,\"spec\":2}").status == 422);
    BOOST_TEST(host.http("POST", "/v1/partitions", "[").status == 422);
    BOOST_TEST(host.http("POST", "/v1/partitions", "{\"unknown\":1}").status == 422);
    const auto garbage = raw_exchange(host.socket(), "BREW /pot HTCPCP/1.0\r\n\r\n", soon());
    BOOST_TEST(contains(garbage, "400"));
    // Refused before it has come whole, so that the client may be cut off while it sends.
    try {
        const auto endless = raw_exchange(
            host.socket(), "GET /" + std::string(1 << 20, 'a') + " HTTP/1.1\r\n\r\n", soon());
        BOOST_TEST(!contains(endless, " 200 "));
    } catch (const std::system_error& error) {
        BOOST_TEST((error.code() == std::errc::broken_pipe ||
                    error.code() == std::errc::connection_reset));
    }
    host.ok({"list"});
}

BOOST_AUTO_TEST_CASE(one_operation_at_a_time_and_the_second_is_told_which) {
    Host host({.fake_vmm = true});
    // It answers nothing after `cont`: the pause hangs until its own deadline.
    host.create(host.fake_guest("h", {"hang-after=stop"}), {"--define"});
    auto pause = host.session({"pause", "h"});
    const auto deadline = soon();
    while (!host.view("h").has("operation") && !deadline.expired()) {
    }
    const auto error = host.fails(8, {"rename", "h", "h"});
    BOOST_TEST(contains(error, "pause"));
    BOOST_TEST(contains(error, "uid 0"));
    BOOST_TEST(host.view("h")["operation"]["verb"].text() == "pause"); // queries are not held up
    host.ok({"list"});
    (void)pause.finish(guest_time());
    host.ok({"destroy", "--wait-busy", "30", "h"});
}

BOOST_AUTO_TEST_CASE(queries_are_answered_while_everything_else_hangs) {
    Host host({.fake_vmm = true});
    host.create(host.fake_guest("quick"));
    host.create(host.fake_guest("hung", {"hang-after=stop", "ignore-quit", "ignore-sigterm"}));
    const auto create = host.write_file("never.xml", host.fake_guest("never", {"hang"}).text());
    // Three operations that cannot end soon: a pause, a shutdown and a create.
    auto pause = host.session({"pause", "hung"});
    auto creating = host.session({"create", "--timeout", "20", create});
    host.wait_event(0, [](const Json& event) {
        return event.get("name") == "never" && event.get("to") == "starting";
    });
    for (int i = 0; i < 50; ++i) {
        BOOST_TEST(contains(host.ok({"list"}), "quick"));
        (void)host.view("hung");
    }
    BOOST_TEST(creating.alive()); // it was there all the time
    host.ok({"pause", "quick"});
    host.ok({"unpause", "quick"});
    host.ok({"destroy", "quick"});
    BOOST_TEST(creating.alive());
    const auto outcome = creating.finish(guest_time());
    BOOST_TEST(outcome.status == 9);
    BOOST_TEST(!host.exists("never"));
    (void)pause.finish(guest_time());
    host.ok({"destroy", "--wait-busy", "30", "hung"});
}

BOOST_AUTO_TEST_CASE(a_client_that_leaves_does_not_stop_its_operation) {
    Host host;
    const auto file = host.write_file("g.xml", GuestXml{.name = "g", .steps = "shell"}.text());
    auto create = host.session({"create", "--define", file});
    host.wait_event(0, [](const Json& event) { return event.get("name") == "g"; });
    create.signal(SIGKILL);
    host.wait_state("g", "running");
}
