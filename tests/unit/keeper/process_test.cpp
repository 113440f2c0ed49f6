// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/keeper/harness.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <cstdio>
#include <unistd.h>

using namespace mshv::keeper;
using namespace mshv::keeper::test;
using mshv::posix::ExitStatus;
using mshv::posix::PidFd;
using mshv::posix::ProcessIdentity;

namespace {

ProcessIdentity vmm_of(const Message& message) {
    return {static_cast<pid_t>(message.number("vmm_pid").value()),
            static_cast<std::uint64_t>(message.number("vmm_ticks").value())};
}

/// "Pss:" of /proc/PID/smaps_rollup, kB.
long pss(pid_t pid) {
    const auto text =
        mshv::posix::read_file("/proc/" + std::to_string(pid) + "/smaps_rollup", 65536);
    return std::strtol(text.c_str() + text.find("\nPss:") + 5, nullptr, 10);
}

} // namespace

BOOST_AUTO_TEST_SUITE(process)

BOOST_AUTO_TEST_CASE(a_life_from_start_to_release) {
    Partition partition("fakevmm.poweroff-after=30");
    partition.launch();
    auto daemon = partition.connect();
    const auto hello = daemon->hello();
    BOOST_TEST(hello.text("nonce") == "nonce");
    const auto started = daemon->event("vmm-started");
    BOOST_TEST(started.text("reason") == "started");
    const auto state = partition.record(state_file);
    BOOST_TEST((vmm_of(state) == vmm_of(started)));
    daemon->event("ready");
    BOOST_TEST(daemon->ask(Message("status")).text("state") == "starting");
    BOOST_TEST(daemon->ask(Message("release")).text("code") == "wrong_state");
    BOOST_TEST(daemon->ask(Message("resume")).word == "ok");
    daemon->event("running");
    const auto exited = daemon->event("vmm-exited");
    BOOST_TEST(exited.text("reason") == "guest-poweroff");
    BOOST_TEST(exited.number("exit_code").value() == 0);
    const auto finished = daemon->event("finished");
    BOOST_TEST(finished.text("reason") == "guest-poweroff");
    BOOST_TEST(partition.record(exit_file).text("reason") == "guest-poweroff");
    BOOST_TEST(!partition.record(state_file).find("vmm_pid"));
    const auto status = daemon->ask(Message("status"));
    BOOST_TEST(status.text("state") == "shutoff");
    BOOST_TEST(!status.find("vmm_pid"));
    BOOST_TEST(partition.keeper().pidfd.alive());
    BOOST_TEST(daemon->ask(Message("release")).word == "ok");
    partition.keeper().pidfd.wait_ended(soon());
    BOOST_TEST((partition.keeper().pidfd.reap() == ExitStatus{false, 0}));
}

BOOST_AUTO_TEST_CASE(events_are_complete_after_a_daemon_without_goodbye) {
    Partition partition;
    partition.spec.argv.back() =
        "fakevmm.reboot-after=5 fakevmm.until=3 fakevmm.state=" + partition.folder() + "/count";
    std::int64_t seen = 0;
    {
        auto first = partition.start();
        seen = 3;
    } // gone in the middle
    auto second = partition.connect();
    const auto hello = second->hello(seen);
    BOOST_TEST(hello.number("lost").value() == 0);
    std::int64_t generation = 1;
    while (generation < 4) {
        const auto event = second->event();
        BOOST_TEST(event.number("seq").value() == ++seen);
        BOOST_TEST(event.text("kind") != "unresponsive"); // an ordinary end is no fault
        generation = event.number("generation").value();
    }
    second->event("running");
    BOOST_TEST(second->ask(Message("status")).number("generation").value() == 4);
    second->send(Message("ack").set("seq", seen));
    auto third = partition.connect();
    BOOST_TEST(third->hello(seen).text("state") == "running");
    second->ask(Message("ping"));
    BOOST_TEST(second->superseded());
}

BOOST_AUTO_TEST_CASE(each_vmm_is_set_up_before_it_runs) {
    Partition partition;
    partition.spec.setup = {R"({"execute":"query-status"})", R"({"execute":"query-version"})"};
    partition.launch();
    auto daemon = partition.connect();
    daemon->hello();
    daemon->event("ready");
    BOOST_TEST(daemon->ask(Message("resume")).word == "ok");
    daemon->event("running");
    BOOST_TEST(daemon->ask(Message("reset").set("timeout_ms", 10000)).word == "ok");
    daemon->event("ready");
    daemon->event("running");
    BOOST_TEST(daemon->ask(Message("status")).number("generation").value() == 2);
}

BOOST_AUTO_TEST_CASE(a_vmm_that_refuses_its_set_up_does_not_start) {
    Partition partition;
    partition.spec.policy.restart = "always";
    partition.spec.setup = {R"({"execute":"no-such"})", R"({"execute":"stop"})"};
    partition.launch();
    auto daemon = partition.connect();
    daemon->hello();
    const auto exited = daemon->event("vmm-exited");
    BOOST_TEST(exited.text("detail").find("refused {\"execute\":\"no-such\"}") !=
               std::string::npos);
    BOOST_TEST(daemon->event("finished").text("reason") == "start-failed");
}

BOOST_AUTO_TEST_CASE(a_vmm_never_resumed_stays_for_the_next_daemon) {
    Partition partition;
    partition.launch();
    {
        auto first = partition.connect();
        first->hello();
        first->event("ready");
    }
    auto second = partition.connect();
    BOOST_TEST(second->hello().text("state") == "starting");
    BOOST_TEST(second->ask(Message("kill")).word == "ok");
    BOOST_TEST(second->event("finished").text("reason") == "destroyed");
}

BOOST_AUTO_TEST_CASE(pause_resume_and_relay) {
    Partition partition;
    auto daemon = partition.start();
    BOOST_TEST(daemon->ask(Message("pause")).word == "ok");
    BOOST_TEST(daemon->event("paused").text("reason") == "user");
    const auto reply = daemon->ask(Message("qmp").set("command", R"({"execute": "query-status"})"));
    BOOST_TEST(reply.word == "ok");
    BOOST_TEST(reply.text("json").find("\"status\": \"paused\"") != std::string::npos);
    const auto refused = daemon->ask(Message("qmp").set("command", R"({"execute": "no-such"})"));
    BOOST_TEST(refused.text("json").find("CommandNotFound") != std::string::npos);
    for (const char* bad :
         {"", "x", "{}", R"({"execute": "stop", "id": 1})", "{\"execute\":\n1}"}) {
        BOOST_TEST(daemon->ask(Message("qmp").set("command", std::string_view(bad))).text("code") ==
                   "invalid");
    }
    BOOST_TEST(daemon->ask(Message("resume")).word == "ok");
    daemon->event("running");
    BOOST_TEST(daemon->ask(Message("dance")).text("code") == "unsupported");
}

BOOST_AUTO_TEST_CASE(a_guest_that_sleeps_is_told_of_until_it_wakes) {
    Partition partition("fakevmm.sleep");
    auto daemon = partition.start();
    daemon->event("suspended");
    const auto status = daemon->ask(Message("status"));
    BOOST_TEST(status.text("state") == "running");
    BOOST_TEST(status.text("suspended") == "1");
    // Who comes later hears of it, too.
    daemon = partition.connect();
    BOOST_TEST(daemon->hello().text("suspended") == "1");
    daemon->event("suspended");
    BOOST_TEST(daemon->ask(Message("qmp").set("command", R"({"execute": "system_wakeup"})")).word ==
               "ok");
    daemon->event("awake");
    BOOST_TEST(daemon->ask(Message("status")).text("suspended") == "0");
}

BOOST_AUTO_TEST_CASE(another_generation_is_awake) {
    Partition partition("fakevmm.sleep");
    auto daemon = partition.start();
    daemon->event("suspended");
    BOOST_TEST(daemon->ask(Message("reset")).word == "ok");
    daemon->event("ready");
    // It goes to sleep anew, which is told anew.
    daemon->event("suspended");
}

BOOST_AUTO_TEST_CASE(kill_of_a_stopped_process_is_sure_and_final) {
    Partition partition;
    partition.spec.policy.on_crash = "restart";
    auto daemon = partition.start();
    const auto vmm = PidFd::open(vmm_of(daemon->ask(Message("status"))));
    vmm.value().signal(SIGSTOP);
    BOOST_TEST(daemon->ask(Message("kill")).word == "ok");
    BOOST_TEST(!vmm->alive());
    BOOST_TEST(partition.record(exit_file).text("reason") == "destroyed");
    const auto exited = daemon->event("vmm-exited");
    BOOST_TEST(exited.number("exit_signal").value() == SIGKILL);
    BOOST_TEST(daemon->event("finished").text("reason") == "destroyed");
    BOOST_TEST(daemon->ask(Message("kill")).word == "ok"); // idempotent
    BOOST_TEST(daemon->ask(Message("reset")).text("code") == "wrong_state");
}

BOOST_AUTO_TEST_CASE(reset_makes_a_new_generation_at_once) {
    Partition partition;
    partition.spec.policy.on_reboot = "destroy";
    partition.spec.policy.limit = 0;
    auto daemon = partition.start();
    const auto answer = daemon->ask(Message("reset"));
    BOOST_TEST(answer.word == "ok");
    BOOST_TEST(answer.number("generation").value() == 2);
    BOOST_TEST(daemon->event("vmm-started").text("reason") == "user");
    BOOST_TEST(daemon->event().text("kind") == "ready");
    BOOST_TEST(daemon->event().text("kind") == "running");
}

BOOST_AUTO_TEST_CASE(the_limit_ends_a_loop_of_reboots) {
    Partition partition("fakevmm.reboot-after=1");
    partition.spec.policy.limit = 3;
    auto daemon = partition.start();
    const auto finished = daemon->event("finished");
    BOOST_TEST(finished.text("reason") == "restart-limit");
    BOOST_TEST(finished.number("generation").value() == 4);
}

BOOST_AUTO_TEST_CASE(a_panic_is_preserved_until_it_is_destroyed) {
    Partition partition("fakevmm.panic-after=1");
    partition.spec.policy.on_crash = "preserve";
    auto daemon = partition.start();
    daemon->event("guest-panicked");
    BOOST_TEST(daemon->event("paused").text("reason") == "guest-panic");
    const auto status = daemon->ask(Message("status"));
    BOOST_TEST(status.text("state") == "crashed");
    BOOST_TEST(PidFd::open(vmm_of(status)).has_value());
    BOOST_TEST(daemon->ask(Message("resume")).text("code") == "wrong_state");
    BOOST_TEST(daemon->ask(Message("kill")).word == "ok");
    BOOST_TEST(daemon->event("finished").text("reason") == "destroyed");
}

BOOST_AUTO_TEST_CASE(a_crash_is_restarted_with_its_delay) {
    Partition partition;
    partition.spec.policy.restart = "on-failure";
    auto daemon = partition.start();
    const auto vmm = PidFd::open(vmm_of(daemon->ask(Message("status"))));
    vmm.value().signal(SIGKILL);
    BOOST_TEST(daemon->event("vmm-exited").text("reason") == "vmm-killed");
    BOOST_TEST(daemon->event("respawn-wait").number("delay_ms").value() == 10);
    BOOST_TEST(daemon->event("vmm-started").text("reason") == "restarted");
    daemon->event("running");
    // A kill while the next one is awaited leaves nothing to come.
    Message policy("set-policy");
    partition.spec.policy.delay_ms = partition.spec.policy.max_delay_ms = 3600000;
    put_policy(policy, partition.spec.policy);
    BOOST_TEST(daemon->ask(policy).word == "ok");
    PidFd::open(vmm_of(daemon->ask(Message("status")))).value().signal(SIGKILL);
    daemon->event("respawn-wait");
    BOOST_TEST(daemon->ask(Message("status")).text("state") == "restarting");
    BOOST_TEST(daemon->ask(Message("kill").set("reason", "shutdown")).word == "ok");
    BOOST_TEST(daemon->event("finished").text("reason") == "shutdown");
}

BOOST_AUTO_TEST_CASE(an_expected_shutdown_is_final) {
    Partition partition;
    partition.spec.policy.on_poweroff = "restart";
    auto daemon = partition.start();
    BOOST_TEST(daemon->ask(Message("expect").set("end", "shutdown")).word == "ok");
    daemon->ask(Message("qmp").set("command", R"({"execute": "system_powerdown"})"));
    BOOST_TEST(daemon->event("finished").text("reason") == "shutdown");
}

BOOST_AUTO_TEST_CASE(sigterm_ends_in_order) {
    Partition partition;
    partition.spec.policy.on_crash = "restart";
    partition.start();
    partition.keeper().pidfd.signal(SIGTERM);
    partition.keeper().pidfd.wait_ended(soon());
    const auto record = partition.record(exit_file);
    BOOST_TEST(record.text("reason") == "vmm-killed");
    BOOST_TEST(record.number("exit_code").value() == 0);
}

BOOST_AUTO_TEST_CASE(the_vmm_gets_its_user_and_nothing_else) {
    if (::geteuid() != 0) {
        return;
    }
    Partition partition;
    partition.spec.user = User{12345, 12345, {12346}};
    auto daemon = partition.start();
    const auto pid = std::to_string(vmm_of(daemon->ask(Message("status"))).pid);
    const auto status = mshv::posix::read_file("/proc/" + pid + "/status", 65536);
    BOOST_TEST(status.find("Uid:\t12345\t12345\t12345\t12345") != std::string::npos);
    BOOST_TEST(status.find("Groups:\t12346") != std::string::npos);
    BOOST_TEST(status.find("NoNewPrivs:\t1") != std::string::npos);
    BOOST_TEST(status.find("CapEff:\t0000000000000000") != std::string::npos);
    BOOST_TEST(status.find("SigBlk:\t0000000000004000") != std::string::npos); // fakevmm's own
    // The keeper ignores these two; 32 and 33 belong to the libc, which nobody can reset.
    const auto ignored = std::stoull(status.substr(status.find("SigIgn:\t") + 8), nullptr, 16);
    BOOST_TEST((ignored >> (SIGHUP - 1U) & 1U) == 0U);
    BOOST_TEST((ignored >> (SIGPIPE - 1U) & 1U) == 0U);
    BOOST_TEST(mshv::posix::read_file("/proc/" + pid + "/oom_score_adj", 16) == "0\n");
}

BOOST_AUTO_TEST_CASE(a_keeper_is_small) {
    Partition partition;
    auto daemon = partition.start();
    Viewer viewer(*daemon, Message().set("write", 1));
    viewer.type("hello\n");
    viewer.read_until("hello\n");
    const long size = pss(partition.keeper().identity.pid);
    BOOST_TEST_MESSAGE("PSS of a keeper: " << size << " kB");
#ifndef __SANITIZE_ADDRESS__
#ifndef __SANITIZE_THREAD__
    BOOST_TEST(size <= 1500);
#endif
#endif
}

BOOST_AUTO_TEST_SUITE_END()
