// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/api/name_race.hpp"
#include "tests/unit/control/whole.hpp"

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <future>
#include <thread>

namespace mshv::testing {
namespace {

using api::CreateMode;
using api::ErrorCode;
using api::Reason;
using api::State;
using Story = std::vector<std::string>;

struct Life : Whole {
    /// Launches stand until the machine has other faults.
    void hold_launches() {
        Faults faults;
        faults.hold_launch = true;
        machine().set_faults(faults);
    }
    void wait_launch() {
        machine().wait([](const auto& keepers) { return keepers.size() == 1; });
    }
};

BOOST_FIXTURE_TEST_SUITE(life, Life)

BOOST_AUTO_TEST_CASE(a_transient_partition_lives_once) {
    const auto view = create("web");
    BOOST_TEST((view.state == State::running));
    BOOST_TEST(!view.persistent);
    BOOST_REQUIRE(view.runtime.has_value());
    BOOST_TEST(view.runtime->vmm == "fake 1.0");
    BOOST_TEST(view.runtime->vmm_pid > 0);
    BOOST_TEST(machine().vmm_count() == 1U);
    const auto last = destroy("web");
    BOOST_TEST((last.state == State::shutoff && last.reason == Reason::destroyed));
    BOOST_TEST(!exists("web"));
    BOOST_TEST(machine().vmm_count() == 0U);
    const auto history = service().history("web", 10);
    BOOST_REQUIRE(history.size() == 1U);
    BOOST_TEST((history[0].reason == Reason::destroyed));
    BOOST_TEST(history[0].ended_by == "tester");
    BOOST_TEST(
        (story("web") == Story{"partition.created", "shutoff>starting", "starting>running",
                               "running>stopping", "stopping>shutoff", "partition.removed"}));
    BOOST_TEST(removed().size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_defined_partition_is_started_again_and_again) {
    BOOST_TEST((define("web").state == State::shutoff));
    const auto id = get("web").id;
    for (int i = 0; i < 3; ++i) {
        BOOST_TEST((start("web").state == State::running));
        BOOST_TEST((code_of([&] { start("web"); }) == ErrorCode::wrong_state));
        BOOST_TEST((destroy("web").state == State::shutoff));
        BOOST_TEST((code_of([&] { destroy("web"); }) == ErrorCode::wrong_state));
    }
    BOOST_TEST(get("web").id == id);
    BOOST_TEST(service().history("web", 10).size() == 3U);
    service().undefine(by_name("web"), {}, tester, at_once());
    BOOST_TEST(!exists("web"));
    BOOST_TEST((code_of([&] { start("web"); }) == ErrorCode::not_found));
}

BOOST_AUTO_TEST_CASE(a_failed_start_leaves_nothing) {
    define("kept");
    Faults faults;
    faults.fail_launch = "no memory";
    machine().set_faults(faults);
    BOOST_TEST((code_of([&] { create("web"); }) == ErrorCode::failed));
    BOOST_TEST((code_of([&] {
                    service().create(request_of("both", CreateMode::persistent), tester, at_once());
                }) == ErrorCode::failed));
    BOOST_TEST((code_of([&] { start("kept"); }) == ErrorCode::failed));
    faults = {};
    faults.fail_resume = "cannot run";
    machine().set_faults(faults);
    BOOST_TEST((code_of([&] { create("web"); }) == ErrorCode::failed));
    BOOST_TEST(!exists("web"));
    BOOST_TEST(!exists("both"));
    BOOST_TEST((get("kept").reason == Reason::start_failed));
    BOOST_TEST(get("kept").last_exit->detail == "no memory");
    BOOST_TEST(machine().keepers().empty());
    const auto history = service().history("web", 10);
    BOOST_REQUIRE(history.size() == 2U);
    BOOST_TEST(history[0].detail == "cannot run");
    machine().set_faults({});
    BOOST_TEST((start("kept").state == State::running));
    const auto both =
        service().create(request_of("both", CreateMode::persistent), tester, at_once());
    BOOST_TEST(both.persistent);
}

BOOST_AUTO_TEST_CASE(bad_definitions_are_refused_with_all_their_faults) {
    auto request = request_of("web", CreateMode::define);
    request.spec.memory.size = 1;
    request.spec.boot.kernel = "relative";
    try {
        service().create(request, tester, at_once());
        BOOST_FAIL("accepted");
    } catch (const api::Error& error) {
        BOOST_TEST((error.code() == ErrorCode::invalid));
        BOOST_TEST(error.problems().size() >= 2U);
    }
    Faults faults;
    faults.objection = "no such machine";
    machine().set_faults(faults);
    BOOST_TEST((code_of([&] { define("web"); }) == ErrorCode::invalid));
    BOOST_TEST(!exists("web"));
}

BOOST_AUTO_TEST_CASE(one_name_has_one_winner) {
    const NameRace race([&] { create("web"); });
    BOOST_TEST(race.won == 1);
    BOOST_TEST(race.lost == 99);
    BOOST_TEST(machine().keepers().size() == 1U);
}

BOOST_AUTO_TEST_CASE(guests_end_by_themselves) {
    const auto once = create("once");
    define("kept");
    const auto kept = start("kept");
    machine().guest_poweroff(once.uuid);
    wait_gone("once");
    machine().guest_poweroff(kept.uuid);
    const auto off = wait("kept", State::shutoff);
    BOOST_TEST((off.reason == Reason::guest_poweroff));
    BOOST_REQUIRE(off.last_exit.has_value());
    start("kept");
    machine().vmm_dies(kept.uuid, SIGSEGV);
    const auto crashed = wait("kept", State::crashed);
    BOOST_TEST((crashed.reason == Reason::vmm_killed));
    BOOST_TEST(*crashed.last_exit->signal == SIGSEGV);
    BOOST_TEST(!crashed.runtime);
    BOOST_TEST((code_of([&] { destroy("kept"); }) == ErrorCode::wrong_state));
    start("kept");
    machine().keeper_dies(kept.uuid);
    BOOST_TEST((wait("kept", State::crashed).reason == Reason::keeper_lost));
}

BOOST_AUTO_TEST_CASE(a_guest_reboots) {
    const auto view = create("web");
    machine().guest_reboot(view.uuid);
    for (std::uint64_t since = 0; get("web").runtime->generation != 2;) {
        since = static_cast<std::uint64_t>(
            service().events(static_cast<std::int64_t>(since), 100, {}, soon()).last_seq);
    }
    const auto after = wait("web", State::running);
    BOOST_TEST((after.reason == Reason::guest_reboot));
    BOOST_TEST(after.runtime->incarnation == view.runtime->incarnation);
    BOOST_TEST(after.runtime->vmm_pid != view.runtime->vmm_pid);
    BOOST_TEST(after.runtime->keeper_pid == view.runtime->keeper_pid);
    service().reset(by_name("web"), tester, at_once());
    BOOST_TEST(machine().keepers().begin()->second.generation == 3);
}

BOOST_AUTO_TEST_CASE(a_preserved_crash_keeps_its_vmm_until_destroyed) {
    define("web");
    const auto view = start("web");
    machine().guest_panic_preserved(view.uuid);
    const auto crashed = wait("web", State::crashed);
    BOOST_TEST((crashed.reason == Reason::guest_panic));
    BOOST_TEST(crashed.runtime.has_value());
    BOOST_TEST((code_of([&] { start("web"); }) == ErrorCode::wrong_state));
    BOOST_TEST((destroy("web").state == State::shutoff));
}

BOOST_AUTO_TEST_CASE(pause_and_unpause) {
    const auto view = create("web");
    BOOST_TEST((service().pause(by_name("web"), tester, at_once()).state == State::paused));
    BOOST_TEST((code_of([&] { service().pause(by_name("web"), tester, at_once()); }) ==
                ErrorCode::wrong_state));
    BOOST_TEST((service().vcpus(by_name("web"), soon())[0].state == "--p"));
    BOOST_TEST((service().unpause(by_name("web"), tester, at_once()).state == State::running));
    machine().io_error(view.uuid);
    const auto stopped = wait("web", State::paused);
    BOOST_TEST((stopped.reason == Reason::io_error));
    api::CreateRequest request = request_of("cold", CreateMode::transient);
    request.paused = true;
    BOOST_TEST((service().create(request, tester, at_once()).state == State::paused));
}

BOOST_AUTO_TEST_CASE(a_late_report_does_not_undo_what_was_asked_later) {
    Faults faults;
    faults.hold_events = true;
    machine().set_faults(faults);
    create("web"); // that its VPs run is told, but does not come
    std::promise<void> asked;
    machine().set_probe([&](const std::string& point) {
        if (point == "pause.exit") {
            asked.set_value();
        }
    });
    auto pause = std::async(std::launch::async, [&] {
        return service().pause(by_name("web"), tester, at_once()).state;
    });
    asked.get_future().wait();
    machine().set_faults({});
    BOOST_TEST((pause.get() == State::paused));
    machine().set_probe({});
    restart_daemon(); // all reports are recorded
    BOOST_TEST((get("web").state == State::paused));
    BOOST_TEST((story("web") == Story{"partition.created", "shutoff>starting", "starting>running",
                                      "running>paused"}));
    const auto events = store().events(0, 0, std::nullopt).events;
    BOOST_TEST(events.at(3).actor == tester.name);
}

BOOST_AUTO_TEST_CASE(a_vmm_that_does_not_die_is_stuck_until_it_does) {
    define("web");
    start("web");
    Faults faults;
    faults.stuck = true;
    machine().set_faults(faults);
    BOOST_TEST((code_of([&] { destroy("web"); }) == ErrorCode::timeout));
    BOOST_TEST((get("web").state == State::stuck));
    create("other"); // everything else goes on
    machine().set_faults({});
    BOOST_TEST((destroy("web").state == State::shutoff));
}

BOOST_AUTO_TEST_CASE(one_operation_at_a_time_and_queries_never_wait) {
    define("web");
    hold_launches();
    std::optional<ErrorCode> started;
    std::jthread starter([&] { started = code_of([&] { start("web"); }); });
    wait_launch();
    // Each of these answers at once although the start stands.
    const auto view = get("web");
    BOOST_TEST((view.state == State::starting));
    BOOST_REQUIRE(view.operation.has_value());
    BOOST_TEST(view.operation->verb == "start");
    BOOST_TEST(view.operation->actor == "tester");
    BOOST_TEST(service().list_json(false).find("\"starting\"") != std::string::npos);
    try {
        service().rename(by_name("web"), {"other"}, tester, at_once());
        BOOST_FAIL("not busy");
    } catch (const api::Error& error) {
        BOOST_TEST((error.code() == ErrorCode::busy));
        BOOST_TEST(error.message().find("start by tester since") != std::string::npos);
    }
    // Destroy takes the lock from the start.
    BOOST_TEST((destroy("web").state == State::shutoff));
    starter.join();
    BOOST_TEST((started == ErrorCode::failed));
    BOOST_TEST(machine().keepers().empty());
    machine().set_faults({});
    start("web");
}

BOOST_AUTO_TEST_CASE(a_create_in_progress_can_be_destroyed) {
    hold_launches();
    std::optional<ErrorCode> created;
    std::jthread creator([&] { created = code_of([&] { create("web"); }); });
    wait_launch();
    const auto view = destroy("web");
    BOOST_TEST((view.state == State::shutoff && view.reason == Reason::destroyed));
    creator.join();
    BOOST_TEST((created == ErrorCode::failed));
    BOOST_TEST(!exists("web"));
}

BOOST_AUTO_TEST_CASE(waiting_for_a_busy_partition) {
    define("web");
    hold_launches();
    std::jthread starter([&] { start("web"); });
    wait_launch();
    std::jthread renamer([&] { service().rename(by_name("web"), {"other"}, tester, soon()); });
    machine().set_faults({});
    starter.join();
    renamer.join();
    BOOST_TEST((get("other").state == State::running));
}

BOOST_AUTO_TEST_CASE(a_definition_of_a_busy_partition_waits_too) {
    define("web");
    hold_launches();
    std::jthread starter([&] { start("web"); });
    wait_launch();
    auto request = request_of("web", CreateMode::define);
    request.replace = true;
    request.spec.title = "new";
    BOOST_TEST((code_of([&] { service().create(request, tester, at_once()); }) == ErrorCode::busy));
    std::jthread definer([&] { service().create(request, tester, soon()); });
    machine().set_faults({});
    starter.join();
    definer.join();
    BOOST_TEST(get("web").title == "new");
    BOOST_TEST((get("web").state == State::running));
}

BOOST_AUTO_TEST_CASE(storms_of_operations_keep_the_rules) {
    std::vector<std::jthread> threads;
    for (int n = 0; n < 8; ++n) {
        threads.emplace_back([&, n] {
            for (int i = 0; i < 15; ++i) {
                const std::string name = "p" + std::to_string((n + i) % 3);
                code_of([&] { define(name); });
                code_of([&] { start(name); });
                code_of([&] { service().pause(by_name(name), tester, at_once()); });
                code_of([&] { service().unpause(by_name(name), tester, at_once()); });
                code_of([&] { destroy(name); });
                code_of([&] { service().undefine(by_name(name), {}, tester, at_once()); });
                (void)service().list_json(true);
            }
        });
    }
    threads.clear();
    for (const char* name : {"p0", "p1", "p2"}) {
        code_of([&] { destroy(name); });
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace mshv::testing
