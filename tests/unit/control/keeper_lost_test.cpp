// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/restart_policy.hpp"
#include "tests/unit/control/whole.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <thread>

// Keepers die, and the policy that was theirs to apply is applied by the daemon.

namespace mshv::testing {
namespace {

using api::CreateMode;
using api::OnEnd;
using api::Reason;
using api::RestartPolicyKind;
using api::State;

constexpr std::int64_t second = 1000;

struct Lost : Whole {
    /// A partition that runs: two restarts in 600 s, after 10 and 20 s.
    api::Uuid run(const std::string& name, CreateMode mode = CreateMode::persistent,
                  RestartPolicyKind policy = RestartPolicyKind::on_failure) {
        auto request = request_of(name, mode);
        request.spec.restart = {policy, 10, 60, 2, 600};
        return service().create(request, tester, at_once()).uuid;
    }
    /// Kills the keeper and waits until its end is recorded.
    void lose(const api::Uuid& uuid) {
        machine().keeper_dies(uuid);
        wait_for(uuid, [](const api::PartitionView& view) { return !view.runtime; });
        BOOST_TEST(released());
    }
    void wait_for(const api::Uuid& uuid, const std::function<bool(const api::PartitionView&)>& is) {
        for (const auto deadline = soon(); !is(look(uuid));) {
            BOOST_REQUIRE(!deadline.expired());
            service().events(store().last_seq(), 1, std::nullopt,
                             posix::Deadline::after(std::chrono::milliseconds(2)));
        }
    }
    api::PartitionView look(const api::Uuid& uuid) {
        return service().get({api::Selector::Kind::uuid, api::to_string(uuid)});
    }
    bool waits(const api::Uuid& uuid) {
        const auto view = look(uuid);
        return view.operation && view.operation->verb == "restart" && !view.runtime;
    }
    void runs_again(const api::Uuid& uuid) {
        wait_for(uuid, [](const api::PartitionView& view) { return view.state == State::running; });
    }
};

BOOST_FIXTURE_TEST_SUITE(keeper_lost, Lost)

BOOST_AUTO_TEST_CASE(nothing_is_started_without_a_policy) {
    const auto uuid = run("web", CreateMode::persistent, RestartPolicyKind::never);
    lose(uuid);
    BOOST_TEST((look(uuid).state == State::crashed && look(uuid).reason == Reason::keeper_lost));
    BOOST_TEST(!look(uuid).operation);
    clock().advance(3600 * second);
    start("web");
}

BOOST_AUTO_TEST_CASE(a_partition_is_started_again_when_that_is_due) {
    for (const auto mode : {CreateMode::persistent, CreateMode::transient}) {
        const bool persistent = mode == CreateMode::persistent;
        const auto uuid = run(persistent ? "kept" : "once", mode);
        lose(uuid);
        const auto view = look(uuid);
        BOOST_TEST((view.state == State::crashed && view.reason == Reason::keeper_lost));
        BOOST_TEST(view.last_exit->detail.find("started again in 10 s") != std::string::npos);
        BOOST_REQUIRE(waits(uuid));
        BOOST_TEST(view.operation->actor == control::restart_actor);
        BOOST_TEST(store().fsck().empty());
        clock().advance(10 * second);
        runs_again(uuid);
        BOOST_TEST((look(uuid).reason == Reason::restarted));
        BOOST_TEST(look(uuid).persistent == persistent);
        const auto history = service().history(api::to_string(uuid), 5);
        BOOST_REQUIRE(history.size() == 2U);
        BOOST_TEST(history[0].started_by == control::restart_actor);
        BOOST_TEST((history[1].reason == Reason::keeper_lost));
    }
}

BOOST_AUTO_TEST_CASE(on_crash_restart_means_the_same) {
    auto request = request_of("web", CreateMode::persistent);
    request.spec.on_crash = OnEnd::restart;
    request.spec.restart.delay_s = 0;
    const auto uuid = service().create(request, tester, at_once()).uuid;
    machine().keeper_dies(uuid);
    wait_for(uuid, [](const auto& view) {
        return view.state == State::running && view.reason == Reason::restarted;
    });
}

BOOST_AUTO_TEST_CASE(the_delay_doubles_and_the_limit_holds_over_daemons) {
    for (const auto mode : {CreateMode::persistent, CreateMode::transient}) {
        const auto name = mode == CreateMode::persistent ? "kept" : "once";
        const auto uuid = run(name, mode);
        lose(uuid);
        restart_daemon();
        BOOST_REQUIRE(waits(uuid));
        clock().advance(10 * second);
        runs_again(uuid);
        restart_daemon();
        lose(uuid);
        clock().advance(19 * second);
        BOOST_TEST(waits(uuid));
        clock().advance(1 * second);
        runs_again(uuid);
        restart_daemon();
        if (mode == CreateMode::transient) {
            machine().keeper_dies(uuid);
            wait_gone(name);
            for (const auto deadline = soon(); removed().empty();) { // told behind the commit
                BOOST_REQUIRE(!deadline.expired());
                std::this_thread::yield();
            }
            BOOST_TEST(removed().back() == uuid);
            BOOST_TEST((service().history(name, 1).front().reason == Reason::restart_limit));
            continue;
        }
        lose(uuid);
        BOOST_TEST((look(uuid).state == State::crashed));
        BOOST_TEST((look(uuid).reason == Reason::restart_limit));
        BOOST_TEST(!look(uuid).operation);
        start(name); // a person's start begins a new count
        lose(uuid);
        BOOST_TEST(waits(uuid));
        destroy(name);
    }
}

BOOST_AUTO_TEST_CASE(restarts_before_the_window_are_forgotten) {
    const auto uuid = run("web");
    for (int i = 0; i < 4; ++i) {
        lose(uuid);
        clock().advance(10 * second);
        runs_again(uuid);
        clock().advance(600 * second);
    }
}

BOOST_AUTO_TEST_CASE(a_user_who_destroys_or_stops_it_wins) {
    const auto uuid = run("web");
    lose(uuid);
    BOOST_TEST((destroy("web").state == State::shutoff));
    BOOST_TEST((look(uuid).reason == Reason::destroyed));
    clock().advance(60 * second);
    start("web");
    lose(uuid);
    BOOST_REQUIRE(waits(uuid));
    BOOST_TEST((service().shutdown(by_name("web"), {}, tester, at_once()).state == State::shutoff));
    start("web");
    lose(uuid);
    start("web"); // or starts it at once
    BOOST_TEST((look(uuid).reason == Reason::started));
    lose(uuid);
    service().undefine(by_name("web"), {}, tester, at_once());
    const auto once = run("once", CreateMode::transient);
    lose(once);
    BOOST_TEST((destroy("once").state == State::shutoff));
    BOOST_TEST(!exists("once"));
    clock().advance(60 * second);
    restart_daemon();
    BOOST_TEST(machine().keepers().empty());
}

BOOST_AUTO_TEST_CASE(what_a_user_was_ending_is_not_started) {
    const auto uuid = run("web", CreateMode::persistent, RestartPolicyKind::always);
    service().shutdown(by_name("web"), {}, tester, at_once());
    BOOST_TEST((look(uuid).state == State::stopping));
    lose(uuid);
    BOOST_TEST(!waits(uuid));
    start("web");
    machine().guest_panic_preserved(uuid);
    wait("web", State::crashed);
    lose(uuid);
    BOOST_TEST(!waits(uuid)); // it was kept to be looked at
}

BOOST_AUTO_TEST_CASE(a_vmm_that_may_live_is_never_joined_by_another) {
    const auto uuid = run("web");
    Faults faults;
    faults.stuck = true;
    machine().set_faults(faults);
    lose(uuid);
    const auto told = story("web");
    BOOST_TEST(std::count(told.begin(), told.end(), "partition.vmm-left") == 1);
    BOOST_TEST((look(uuid).reason == Reason::keeper_lost));
    BOOST_TEST(!waits(uuid));
    machine().set_faults({});
    clock().advance(60 * second);
    BOOST_TEST(machine().keepers().empty());
}

BOOST_AUTO_TEST_CASE(a_daemon_that_was_away_does_it_too) {
    for (const auto mode : {CreateMode::persistent, CreateMode::transient}) {
        const auto uuid = run(mode == CreateMode::persistent ? "kept" : "once", mode);
        stop_daemon();
        machine().keeper_dies(uuid);
        start_daemon();
        BOOST_REQUIRE(waits(uuid));
        clock().advance(10 * second);
        runs_again(uuid);
    }
}

BOOST_AUTO_TEST_CASE(a_start_that_fails_is_tried_again_within_the_limit) {
    const auto uuid = run("web");
    Faults faults;
    faults.fail_launch = "no memory";
    lose(uuid);
    machine().set_faults(faults);
    clock().advance(10 * second);
    wait_for(uuid, [this](const auto& view) {
        return view.reason == Reason::start_failed && waits(view.uuid);
    });
    clock().advance(20 * second);
    wait_for(uuid, [](const auto& view) { return !view.operation; });
    BOOST_TEST((look(uuid).state == State::shutoff));
    BOOST_TEST(look(uuid).last_exit->detail.find("not started again") != std::string::npos);
    machine().set_faults({});
    clock().advance(60 * second);
    start("web");
}

BOOST_AUTO_TEST_CASE(a_definition_that_cannot_run_any_more_is_given_up) {
    const auto uuid = run("web");
    lose(uuid);
    Faults faults;
    faults.objection = "no such accelerator";
    machine().set_faults(faults);
    clock().advance(10 * second);
    wait_for(uuid, [](const auto& view) { return !view.operation; });
    BOOST_TEST((look(uuid).state == State::crashed && look(uuid).reason == Reason::start_failed));
    machine().set_faults({});
}

BOOST_AUTO_TEST_CASE(a_boot_of_the_host_ends_the_wait) {
    const auto kept = run("kept");
    const auto once = run("once", CreateMode::transient);
    lose(kept);
    lose(once);
    stop_daemon();
    machine().reboot_host("boot-2");
    start_daemon();
    BOOST_TEST((look(kept).state == State::shutoff && look(kept).reason == Reason::host_reboot));
    BOOST_TEST(!exists("once"));
    BOOST_TEST(store().load().front().was_running); // for autostart's if-was-running
    clock().advance(60 * second);
    BOOST_TEST(machine().keepers().empty());
}

BOOST_AUTO_TEST_CASE(a_daemon_killed_anywhere_finishes_it) {
    for (const auto mode : {CreateMode::persistent, CreateMode::transient}) {
        World world;
        auto request = request_of("web", mode);
        request.spec.restart = {RestartPolicyKind::always, 10, 60, 5, 600};
        const auto uuid = world.service().create(request, tester, at_once()).uuid;
        struct Snapshot {
            std::string database;
            std::unique_ptr<FakeMachine> machine;
        };
        std::vector<Snapshot> snapshots;
        world.machine().set_probe([&](const std::string&) {
            auto machine = world.machine().copy();
            const auto path = world.dir().path("at-" + std::to_string(snapshots.size()) + ".db");
            world.store().backup(path);
            snapshots.push_back({path, std::move(machine)});
        });
        world.machine().keeper_dies(uuid);
        BOOST_TEST(world.released());
        world.wait("web", State::crashed);
        world.clock().advance(10 * second);
        world.wait("web", State::running);
        world.machine().set_probe({});
        BOOST_TEST(snapshots.size() >= 5U);
        for (auto& snapshot : snapshots) {
            World next(snapshot.database, std::move(snapshot.machine), 11 * second);
            for (const auto deadline = soon(); next.get("web").state != State::running;) {
                BOOST_REQUIRE(!deadline.expired());
                next.clock().advance(second);
                next.service().events(next.store().last_seq(), 1, std::nullopt,
                                      posix::Deadline::after(std::chrono::milliseconds(2)));
            }
            BOOST_TEST(next.machine().vmm_count() == 1U);
            BOOST_TEST(next.released());
            BOOST_TEST(broken_invariants(next).empty());
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace mshv::testing
