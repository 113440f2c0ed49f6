// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/control/whole.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <csignal>

// Daemons come and go.

namespace mshv::testing {
namespace {

using api::CreateMode;
using api::Reason;
using api::State;

/// Database and machine at one instant.
struct Snapshot {
    std::string point;
    std::string database;
    std::unique_ptr<FakeMachine> machine;
};

/// Takes a snapshot wherever an effect begins or ends while `operation` runs, and one behind it.
std::vector<Snapshot> crash_everywhere(World& world, const std::function<void()>& operation) {
    std::vector<Snapshot> snapshots;
    const auto take = [&](const std::string& point) {
        const std::string path =
            world.dir().path("crash-" + std::to_string(snapshots.size()) + ".db");
        // The machine first: what the supervisor does beside the operation is a commit and then an
        // effect, so that a newer database is an instant that can be, and an older one is not.
        auto machine = world.machine().copy();
        world.store().backup(path);
        snapshots.push_back({point, path, std::move(machine)});
    };
    world.machine().set_probe(take);
    operation();
    world.released();
    world.machine().set_probe({});
    take("done");
    return snapshots;
}

BOOST_AUTO_TEST_SUITE(restart)

BOOST_AUTO_TEST_CASE(guests_run_on_and_are_adopted) {
    World world;
    world.define("kept");
    const auto kept = world.start("kept");
    const auto once = world.create("once");
    world.restart_daemon();
    for (const auto& before : {kept, once}) {
        const auto after = world.get(before.name);
        BOOST_TEST((after.state == State::running));
        BOOST_TEST(after.runtime->vmm_pid == before.runtime->vmm_pid);
        BOOST_TEST(after.runtime->keeper_pid == before.runtime->keeper_pid);
        BOOST_TEST(after.runtime->started_ms == before.runtime->started_ms);
        BOOST_TEST(after.runtime->responsive);
    }
    world.destroy("once");
    BOOST_TEST(!world.exists("once"));
    check_invariants(world);
}

BOOST_AUTO_TEST_CASE(what_happened_meanwhile_is_recorded_once) {
    World world;
    for (const char* name : {"off", "rebooted", "killed", "lost", "stopped"}) {
        world.define(name);
        world.start(name);
    }
    const auto uuid = [&](const char* name) { return world.get(name).uuid; };
    const auto off = uuid("off");
    const auto rebooted = uuid("rebooted");
    const auto killed = uuid("killed");
    const auto lost = uuid("lost");
    const auto stopped = uuid("stopped");
    world.stop_daemon();
    world.machine().guest_poweroff(off);
    world.machine().guest_reboot(rebooted);
    world.machine().vmm_dies(killed, SIGKILL);
    world.machine().keeper_dies(lost);
    world.machine().io_error(stopped);
    world.start_daemon();
    BOOST_TEST((world.get("off").reason == Reason::guest_poweroff));
    BOOST_TEST((world.get("rebooted").state == State::running));
    BOOST_TEST(world.get("rebooted").runtime->generation == 2);
    BOOST_TEST((world.get("killed").state == State::crashed));
    BOOST_TEST((world.get("lost").reason == Reason::keeper_lost));
    BOOST_TEST((world.get("stopped").reason == Reason::io_error));
    const auto story = world.story("rebooted");
    BOOST_TEST(std::count(story.begin(), story.end(), "running>restarting") == 1);
    BOOST_TEST(std::count(story.begin(), story.end(), "restarting>running") == 1);
    const auto events = world.store().last_seq();
    world.restart_daemon();
    BOOST_TEST(world.store().last_seq() == events + 1); // daemon.started and nothing else
    check_invariants(world);
}

BOOST_AUTO_TEST_CASE(a_host_that_was_booted_again) {
    World world;
    world.define("kept");
    world.start("kept");
    world.create("once");
    world.stop_daemon();
    world.machine().reboot_host("boot-2");
    world.start_daemon();
    BOOST_TEST((world.get("kept").state == State::shutoff));
    BOOST_TEST((world.get("kept").reason == Reason::host_reboot));
    BOOST_TEST(!world.exists("once"));
    check_invariants(world);
}

BOOST_AUTO_TEST_CASE(a_keeper_that_does_not_answer_is_asked_again) {
    World world;
    const auto view = world.create("web");
    world.stop_daemon();
    Faults faults;
    faults.no_adoption = true;
    world.machine().set_faults(faults);
    world.options.sample_interval = std::chrono::milliseconds(1);
    world.start_daemon();
    BOOST_TEST((world.get("web").state == State::running));
    BOOST_TEST(!world.get("web").runtime->responsive);
    world.machine().set_faults({});
    world.clock().advance(10);
    for (const auto deadline = soon(); !world.get("web").runtime->responsive;) {
        BOOST_REQUIRE(!deadline.expired());
        world.clock().advance(10);
        world.service().events(world.store().last_seq(), 1, std::nullopt,
                               posix::Deadline::after(std::chrono::milliseconds(2)));
    }
    BOOST_TEST(world.get("web").runtime->vmm_pid == view.runtime->vmm_pid);
    check_invariants(world);
}

BOOST_AUTO_TEST_CASE(leftovers_that_belong_to_nothing_are_cleaned) {
    World world;
    const auto view = world.create("web");
    auto machine = world.machine().copy();
    const std::string empty = world.dir().path("empty.db");
    {
        World fresh;
        fresh.store().backup(empty);
    }
    World stranger(empty, std::move(machine), 0);
    BOOST_TEST(stranger.machine().wait([](const auto& keepers) { return keepers.empty(); }));
    check_invariants(stranger);
    BOOST_TEST(view.id == 1);
}

BOOST_AUTO_TEST_CASE(create_killed_anywhere_is_whole_or_nothing) {
    for (const auto mode : {CreateMode::transient, CreateMode::persistent}) {
        World world;
        auto snapshots = crash_everywhere(
            world, [&] { world.service().create(request_of("web", mode), tester, at_once()); });
        BOOST_TEST(snapshots.size() >= 5U);
        for (auto& snapshot : snapshots) {
            BOOST_TEST_CONTEXT(snapshot.point) {
                World next(snapshot.database, std::move(snapshot.machine), 1000);
                const bool done = snapshot.point == "done";
                BOOST_TEST(next.exists("web") == done); // acknowledged or gone
                BOOST_TEST(next.machine().keepers().size() == (done ? 1U : 0U));
                check_invariants(next);
                if (!done) {
                    next.create("web"); // name and numbers are free
                }
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(start_killed_anywhere_loses_no_definition) {
    World world;
    world.define("web");
    auto snapshots = crash_everywhere(world, [&] { world.start("web"); });
    for (auto& snapshot : snapshots) {
        BOOST_TEST_CONTEXT(snapshot.point) {
            World next(snapshot.database, std::move(snapshot.machine), 1000);
            const bool done = snapshot.point == "done";
            BOOST_TEST((next.get("web").state == (done ? State::running : State::shutoff)));
            check_invariants(next);
            if (!done) {
                next.start("web");
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(destroy_killed_anywhere_is_finished) {
    for (const bool persistent : {true, false}) {
        World world;
        world.service().create(
            request_of("web", persistent ? CreateMode::persistent : CreateMode::transient), tester,
            at_once());
        auto snapshots = crash_everywhere(world, [&] { world.destroy("web"); });
        BOOST_TEST(snapshots.size() >= 3U);
        for (auto& snapshot : snapshots) {
            BOOST_TEST_CONTEXT(snapshot.point) {
                World next(snapshot.database, std::move(snapshot.machine), 1000);
                next.machine().wait([](const auto& keepers) { return keepers.empty(); });
                BOOST_TEST(next.exists("web") == persistent);
                if (persistent) {
                    BOOST_TEST((next.get("web").state == State::shutoff));
                    BOOST_TEST((next.get("web").reason == Reason::destroyed));
                }
                BOOST_TEST(next.service().history("web", 5).size() == 1U);
                check_invariants(next);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(shutdown_killed_anywhere_goes_on) {
    World world;
    Faults faults;
    faults.deaf = false;
    world.machine().set_faults(faults);
    world.define("web");
    world.start("web");
    auto snapshots = crash_everywhere(world, [&] {
        world.service().shutdown(by_name("web"), {}, tester, at_once());
        world.wait("web", State::shutoff);
    });
    for (auto& snapshot : snapshots) {
        BOOST_TEST_CONTEXT(snapshot.point) {
            snapshot.machine->set_faults(faults);
            World next(snapshot.database, std::move(snapshot.machine), 1000);
            BOOST_TEST((next.wait("web", State::shutoff).reason == Reason::shutdown));
            check_invariants(next);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace mshv::testing
