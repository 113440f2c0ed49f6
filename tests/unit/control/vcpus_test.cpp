// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/machine_service.hpp"
#include "tests/unit/api/thrown.hpp"
#include "tests/unit/control/whole.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

namespace mshv::testing {
namespace {

using api::ErrorCode;

struct VcpuWorld : Whole {
    /// With one processor of four.
    api::CreateRequest small(const std::string& name, api::CreateMode mode) {
        auto request = request_of(name, mode);
        request.spec.cpu.maximum = 4;
        request.spec.cpu.current = 1;
        return request;
    }
    void define(const std::string& name) {
        service().create(small(name, api::CreateMode::define), tester, at_once());
    }
    api::PartitionView set(const std::string& name, unsigned count, bool live = false,
                           bool config = false, bool maximum = false) {
        return service().machine().set_vcpus(
            by_name(name), {count, maximum, true, live, config, 1000}, tester, at_once());
    }
    FakeKeeper keeper() { return machine().keepers().begin()->second; }
    /// What the VMM has, what later generations get, what is shown, and the definition's: "3 3 3
    /// 1".
    std::string counts(const std::string& name) {
        return std::to_string(keeper().vcpus) + " " + std::to_string(keeper().later_vcpus) + " " +
               std::to_string(get(name).vcpus) + " " +
               std::to_string(service().definition(by_name(name), {}).spec.cpu.current);
    }
    bool happened(const std::string& kind) {
        const auto page = service().events(0, 10'000, {}, at_once());
        return std::any_of(page.events.begin(), page.events.end(),
                           [&](const api::Event& event) { return event.kind == kind; });
    }
    bool shows(const std::string& name, std::int64_t count) {
        const auto deadline = soon();
        while (!deadline.expired()) {
            if (get(name).vcpus == count) {
                return true;
            }
        }
        return false;
    }
};

BOOST_FIXTURE_TEST_SUITE(vcpus, VcpuWorld)

BOOST_AUTO_TEST_CASE(they_come_and_go_and_stay_in_each_generation) {
    define("web");
    start("web");
    set("web", 3);
    BOOST_TEST(counts("web") == "3 3 3 1");
    BOOST_TEST(happened("partition.vcpus"));
    BOOST_TEST(!get("web").runtime->pending);
    BOOST_TEST(get("web").revision == 1);
    machine().guest_reboot(get("web").uuid);
    BOOST_TEST(counts("web") == "3 3 3 1");
    set("web", 2, true, true);
    BOOST_TEST(counts("web") == "2 2 2 2");
    BOOST_TEST(!get("web").runtime->pending);
    set("web", 4, false, true);
    BOOST_TEST(counts("web") == "2 2 2 4");
    BOOST_TEST(get("web").runtime->pending);
    restart_daemon();
    BOOST_TEST(shows("web", 2));
    destroy("web");
    BOOST_TEST(get("web").vcpus == 4);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_is_refused_and_changes_nothing) {
    define("web");
    start("web");
    BOOST_TEST((code_of([&] { set("web", 5); }) == ErrorCode::invalid));
    BOOST_TEST((code_of([&] { set("web", 0); }) == ErrorCode::invalid));
    BOOST_TEST((code_of([&] { set("web", 8, true, false, true); }) == ErrorCode::unsupported));
    BOOST_TEST((code_of([&] {
                    (void)service().machine().set_vcpus(
                        by_name("web"), {4'000'000, false, false, false, false, 1000}, tester,
                        at_once());
                }) == ErrorCode::invalid));
    auto fixed = small("fixed", api::CreateMode::define);
    fixed.spec.acpi = false;
    service().create(fixed, tester, at_once());
    start("fixed");
    BOOST_TEST((code_of([&] { set("fixed", 2); }) == ErrorCode::unsupported));
    set("fixed", 2, false, true);
    BOOST_TEST(service().definition(by_name("fixed"), {}).spec.cpu.current == 2U);
    destroy("fixed");
    BOOST_TEST(counts("web") == "1 1 1 1");
    set("web", 2, false, true);
    BOOST_TEST((code_of([&] { set("web", 1, false, false, true); }) == ErrorCode::invalid));
    set("web", 8, false, false, true);
    BOOST_TEST(service().definition(by_name("web"), {}).spec.cpu.maximum == 8U);
    BOOST_TEST(counts("web") == "1 1 1 2");
}

BOOST_AUTO_TEST_CASE(a_vmm_that_refuses_is_believed) {
    define("web");
    start("web");
    set("web", 2);
    fault([](Faults& faults) { faults.fail_vcpus = "no room"; });
    BOOST_TEST((code_of([&] { set("web", 4); }) == ErrorCode::failed));
    BOOST_TEST(counts("web") == "2 2 2 1");
    BOOST_TEST(happened("partition.vcpus-refused"));
    BOOST_TEST(broken_invariants(*this).empty());
}

BOOST_AUTO_TEST_CASE(one_that_a_guest_does_not_let_go_of_goes_later) {
    define("web");
    start("web");
    set("web", 3);
    fault([](Faults& faults) { faults.keeps_vcpus = true; });
    BOOST_TEST((code_of([&] { set("web", 2); }) == ErrorCode::timeout));
    BOOST_TEST(counts("web") == "3 2 2 1");
    BOOST_TEST(happened("partition.vcpus-kept"));
    // It is no part of a saved state, so there is none now.
    BOOST_TEST((code_of([&] {
                    (void)service().save(by_name("web"), {dir().path("web.save")}, tester,
                                         at_once());
                }) == ErrorCode::wrong_state));
    const auto seen = service().events(0, 10'000, {}, at_once()).last_seq;
    machine().guest_lets_go_of_vcpu(get("web").uuid);
    bool told = false;
    for (const auto deadline = soon(); !told && !deadline.expired();) {
        for (const auto& event : service().events(seen, 10'000, {}, at_once()).events) {
            told = told || event.detail.find("let go of one: 2 of 4") != std::string::npos;
        }
    }
    BOOST_TEST(told);
    BOOST_TEST(counts("web") == "2 2 2 1");
    // What it lets go of unasked is gone, too.
    machine().guest_lets_go_of_vcpu(get("web").uuid);
    BOOST_TEST(shows("web", 1));
    BOOST_TEST(counts("web") == "1 1 1 1");
}

BOOST_AUTO_TEST_CASE(a_change_that_was_cut_off_is_made_by_the_next_daemon) {
    define("web");
    start("web");
    // From the second question on: what is to be is recorded, and nobody has done it.
    fault([](Faults& faults) { faults.mute_vcpus = true; });
    BOOST_TEST((code_of([&] { set("web", 3); }) == ErrorCode::timeout));
    BOOST_TEST(counts("web") == "1 1 3 1");
    stop_daemon();
    fault([](Faults& faults) { faults.mute_vcpus = false; });
    start_daemon();
    BOOST_TEST(machine().wait(
        [&](const FakeMachine::Keepers& keepers) { return keepers.begin()->second.vcpus == 3; }));
    BOOST_TEST(shows("web", 3));
}

BOOST_AUTO_TEST_CASE(a_saved_guest_gets_its_processors_again) {
    define("web");
    start("web");
    set("web", 3);
    const auto ended = [&](const api::JobView& job) { return service().job(job.id, soon()); };
    const auto state = dir().path("web.save");
    BOOST_REQUIRE((ended(service().save(by_name("web"), {state}, tester, at_once())).state ==
                   api::JobState::done));
    set("web", 2); // of the definition: for another start
    api::RestoreRequest request;
    request.path = state;
    const auto again = ended(service().restore(request, tester, at_once()));
    BOOST_REQUIRE_MESSAGE(again.state == api::JobState::done, again.message);
    BOOST_TEST(shows("web", 3));
    BOOST_TEST(counts("web") == "3 3 3 2");
}

BOOST_AUTO_TEST_CASE(an_agent_uses_what_came_and_leaves_what_goes) {
    fault([](Faults& faults) { faults.no_agent = false; });
    define("web");
    start("web");
    set("web", 3);
    BOOST_TEST(keeper().offline.empty());
    set("web", 2);
    const auto asked = keeper().asked;
    BOOST_TEST((std::find(asked.begin(), asked.end(), "agent offline 2") != asked.end()));
    // One that is no help does not matter.
    fault([](Faults& faults) { faults.mute_agent = true; });
    set("web", 4);
    BOOST_TEST(counts("web") == "4 4 4 1");
}

BOOST_AUTO_TEST_CASE(pins_are_those_of_threads_that_come) {
    auto request = small("web", api::CreateMode::define);
    request.spec.cpu.pins = {{1, "0"}};
    service().create(request, tester, at_once());
    start("web");
    int pinned = 0;
    machine().set_probe([&](const std::string& point) { pinned += point == "pin.enter" ? 1 : 0; });
    set("web", 2);
    machine().set_probe({});
    BOOST_TEST(pinned == 1);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace mshv::testing
