// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/guest_service.hpp"
#include "daemon/control/machine_service.hpp"
#include "tests/unit/api/thrown.hpp"
#include "tests/unit/control/whole.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

namespace mshv::testing {
namespace {

using api::ErrorCode;

struct SleepWorld : Whole {
    SleepWorld() {
        fault([](Faults& faults) { faults.no_agent = false; });
        define("web");
        start("web");
    }
    void define(const std::string& name) {
        service().create(request_of(name, api::CreateMode::define), tester, at_once());
    }
    api::PartitionView suspend(const std::string& name, std::uint64_t timeout_ms = 10'000) {
        return service().machine().suspend(by_name(name), {timeout_ms}, tester, at_once());
    }
    api::PartitionView resume(const std::string& name, std::uint64_t timeout_ms = 10'000) {
        return service().machine().wake(by_name(name), {timeout_ms}, tester, at_once());
    }
    bool asleep(const std::string& name) { return get(name).runtime->suspended; }
    /// Until the daemon has heard of it.
    bool becomes(const std::string& name, bool suspended) {
        for (const auto deadline = soon(); !deadline.expired();) {
            const auto view = get(name);
            if (view.runtime && view.runtime->suspended == suspended) {
                return true;
            }
        }
        return false;
    }
    std::ptrdiff_t count(const std::string& kind) {
        const auto page = service().events(0, 10'000, {}, at_once());
        return std::count_if(page.events.begin(), page.events.end(),
                             [&](const api::Event& event) { return event.kind == kind; });
    }
    std::vector<std::string> asked() { return machine().asked(get("web").uuid); }
};

BOOST_FIXTURE_TEST_SUITE(sleeping, SleepWorld)

BOOST_AUTO_TEST_CASE(a_guest_sleeps_until_it_is_woken) {
    const auto view = suspend("web");
    BOOST_TEST(view.runtime->suspended);
    BOOST_TEST((view.state == api::State::running));
    BOOST_TEST(count("partition.suspend-asked") == 1);
    BOOST_TEST(count("partition.suspended") == 1);
    BOOST_TEST(suspend("web").runtime->suspended); // as it is already
    BOOST_TEST(count("partition.suspend-asked") == 1);
    BOOST_TEST(!resume("web").runtime->suspended);
    BOOST_TEST(count("partition.resumed") == 1);
    BOOST_TEST((code_of([&] { resume("web"); }) == ErrorCode::wrong_state));
    BOOST_TEST(broken_invariants(*this).empty());
}

BOOST_AUTO_TEST_CASE(it_survives_the_daemon_and_what_happens_without_one) {
    suspend("web");
    restart_daemon();
    BOOST_TEST(asleep("web"));
    stop_daemon();
    machine().guest_sleeps(machine().keepers().begin()->first.first, false);
    start_daemon();
    BOOST_TEST(becomes("web", false));
    machine().guest_sleeps(get("web").uuid, true);
    BOOST_TEST(becomes("web", true));
    BOOST_TEST(count("partition.suspended") == 2);
    BOOST_TEST(count("partition.resumed") == 1);
    // Another generation is awake.
    service().reset(by_name("web"), tester, at_once());
    BOOST_TEST(!asleep("web"));
    destroy("web");
}

BOOST_AUTO_TEST_CASE(one_that_does_not_is_told) {
    fault([](Faults& faults) { faults.sleepless = true; });
    BOOST_TEST((code_of([&] { suspend("web", 1); }) == ErrorCode::timeout));
    BOOST_TEST(!asleep("web"));
    machine().guest_sleeps(get("web").uuid, true); // late
    BOOST_TEST(becomes("web", true));
    BOOST_TEST((code_of([&] { resume("web", 1); }) == ErrorCode::timeout));
    BOOST_TEST(asleep("web"));
}

BOOST_AUTO_TEST_CASE(where_nobody_could_sleep_or_wake_it_is_refused) {
    fault([](Faults& faults) { faults.no_sleep = true; });
    BOOST_TEST((code_of([&] { suspend("web"); }) == ErrorCode::unsupported));
    fault([](Faults& faults) {
        faults.no_sleep = false;
        faults.no_agent = true;
    });
    BOOST_TEST((code_of([&] { suspend("web"); }) == ErrorCode::wrong_state));
    auto request = request_of("fixed", api::CreateMode::persistent);
    request.spec.acpi = false;
    service().create(request, tester, at_once());
    BOOST_TEST((code_of([&] { suspend("fixed"); }) == ErrorCode::unsupported));
    request = request_of("micro", api::CreateMode::persistent);
    request.spec.boot.machine = api::Machine::microvm;
    service().create(request, tester, at_once());
    BOOST_TEST((code_of([&] { suspend("micro"); }) == ErrorCode::unsupported));
    BOOST_TEST(count("partition.suspend-asked") == 0);
    define("off");
    BOOST_TEST((code_of([&] { suspend("off"); }) == ErrorCode::wrong_state));
    BOOST_TEST((code_of([&] { resume("off"); }) == ErrorCode::wrong_state));
}

BOOST_AUTO_TEST_CASE(what_a_sleeper_cannot_do_is_refused) {
    suspend("web");
    BOOST_TEST((code_of([&] { service().pause(by_name("web"), tester, at_once()); }) ==
                ErrorCode::wrong_state));
    BOOST_TEST((code_of([&] { service().unpause(by_name("web"), tester, at_once()); }) ==
                ErrorCode::wrong_state));
    BOOST_TEST((code_of([&] {
                    (void)service().save(by_name("web"), {dir().path("web.save")}, tester,
                                         at_once());
                }) == ErrorCode::wrong_state));
    BOOST_TEST((code_of([&] { (void)service().guests().ping(by_name("web"), tester); }) ==
                ErrorCode::wrong_state));
    BOOST_TEST(asleep("web"));
    resume("web");
    service().pause(by_name("web"), tester, at_once());
    BOOST_TEST((code_of([&] { suspend("web"); }) == ErrorCode::wrong_state));
}

BOOST_AUTO_TEST_CASE(a_shutdown_wakes_it_first) {
    suspend("web");
    service().shutdown(by_name("web"), {}, tester, at_once());
    const auto words = asked();
    BOOST_TEST((std::find(words.begin(), words.end(), "wakeup") != words.end()));
    BOOST_TEST(!asleep("web"));
    BOOST_TEST((get("web").state == api::State::stopping));
    BOOST_TEST(count("partition.resume-asked") == 1);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace mshv::testing
