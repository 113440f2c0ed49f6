// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/guest_service.hpp"
#include "tests/unit/api/thrown.hpp"
#include "tests/unit/control/whole.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>

namespace mshv::testing {
namespace {

using api::ErrorCode;

struct GuestWorld : Whole {
    GuestWorld() { agent(true); }

    void agent(bool there, bool mute = false) {
        auto faults = machine().faults();
        faults.no_agent = !there;
        faults.mute_agent = mute;
        machine().set_faults(faults);
    }
    control::GuestService& guests() { return service().guests(); }
    api::GuestFreeze freeze(const std::string& name, std::uint64_t seconds) {
        return guests().freeze(by_name(name), {seconds}, tester, at_once());
    }
    FakeKeeper keeper() { return machine().keepers().begin()->second; }
    bool thaws() {
        return machine().wait([](const FakeMachine::Keepers& keepers) {
            return !keepers.begin()->second.frozen;
        });
    }
    std::size_t count(const std::string& kind) {
        const auto page = service().events(0, 10'000, {}, at_once());
        return static_cast<std::size_t>(
            std::count_if(page.events.begin(), page.events.end(),
                          [&](const api::Event& event) { return event.kind == kind; }));
    }
    /// Waits for an event of this kind.
    bool comes(const std::string& kind) {
        const auto deadline = soon();
        std::int64_t since = 0;
        while (count(kind) == 0 && !deadline.expired()) {
            since = service().events(since, 10'000, {}, deadline).last_seq;
        }
        return count(kind) > 0;
    }
};

BOOST_FIXTURE_TEST_SUITE(guests_suite, GuestWorld)

BOOST_AUTO_TEST_CASE(only_a_guest_that_can_answer_is_asked) {
    define("web");
    const auto ask = [&] { (void)guests().info(by_name("web"), tester); };
    BOOST_TEST((code_of(ask) == ErrorCode::wrong_state));
    start("web");
    BOOST_TEST(guests().info(by_name("web"), tester).hostname == "guest");
    agent(false);
    BOOST_TEST(error_of(ask) == "No guest agent runs in 'web'");
    agent(true);
    service().pause(by_name("web"), tester, at_once());
    BOOST_TEST(error_of(ask) == "Partition 'web' is paused: its guest answers nobody");
    service().unpause(by_name("web"), tester, at_once());
    agent(true, true);
    BOOST_TEST((code_of(ask) == ErrorCode::timeout));
    destroy("web");
}

BOOST_AUTO_TEST_CASE(nothing_waits_for_a_guest_and_a_guest_waits_for_nothing) {
    create("web");
    // While somebody has the operation lock.
    auto held = machine().faults();
    held.hold_save = true;
    machine().set_faults(held);
    const auto job = service().save(by_name("web"), {dir().path("file"), {}}, tester, at_once());
    BOOST_TEST((code_of([&] { service().pause(by_name("web"), tester, at_once()); }) ==
                ErrorCode::busy));
    BOOST_TEST(guests().ping(by_name("web"), tester).took_ms == 0);
    BOOST_TEST((code_of([&] { freeze("web", 60); }) == ErrorCode::busy));
    held.hold_save = false;
    machine().set_faults(held);
    (void)service().job(job.id, soon());
    wait_gone("web");
}

BOOST_AUTO_TEST_CASE(addresses_are_the_agents_or_what_the_host_has_seen) {
    stop_daemon();
    options.neighbours = [](const std::string& bridge) {
        BOOST_TEST(bridge == "br0");
        return std::vector<net::Neighbour>{{3, "52:54:00:00:00:01", "10.0.0.9"},
                                           {3, "52:54:00:00:00:02", "10.0.0.10"}};
    };
    start_daemon();
    auto request = request_of("web", api::CreateMode::transient);
    api::Nic nic;
    nic.source = api::NicSource::bridge;
    nic.bridge = "br0";
    nic.mac = "52:54:00:00:00:01";
    nic.alias = "net7";
    request.spec.devices.nics = {nic};
    service().create(request, tester, at_once());
    auto faults = machine().faults();
    faults.agent_mac = nic.mac;
    machine().set_faults(faults);
    auto found = guests().addresses(by_name("web"), tester).interfaces;
    BOOST_REQUIRE(found.size() == 1U);
    BOOST_TEST(found[0].alias == "net7");
    BOOST_TEST((found[0].source == api::AddressSource::agent));
    BOOST_TEST(found[0].addresses[0].address == "10.0.0.5");
    agent(false);
    found = guests().addresses(by_name("web"), tester).interfaces;
    BOOST_REQUIRE(found.size() == 1U);
    BOOST_TEST(found[0].alias == "net7");
    BOOST_TEST((found[0].source == api::AddressSource::arp));
    BOOST_REQUIRE(found[0].addresses.size() == 1U);
    BOOST_TEST(found[0].addresses[0].address == "10.0.0.9");
    destroy("web");
}

BOOST_AUTO_TEST_CASE(a_program_is_told_of_without_its_words_and_waited_for) {
    create("web");
    const auto started = guests().exec(
        by_name("web"), {"/bin/true", {"--password=x"}, {}, ""}, tester, at_once());
    BOOST_TEST(started.pid == 7);
    const auto page = service().events(0, 10'000, {}, at_once());
    const auto told = std::find_if(page.events.begin(), page.events.end(), [](const auto& event) {
        return event.kind == "partition.guest-exec";
    });
    BOOST_REQUIRE((told != page.events.end()));
    BOOST_TEST(told->detail == "/bin/true");
    BOOST_TEST(told->actor == "tester");
    BOOST_TEST(!guests().exec_status(by_name("web"), {7, 0}, tester).exited);
    BOOST_TEST(guests().exec_status(by_name("web"), {7, 20'000}, tester).exited);
    for (const api::GuestExecRequest& wrong :
         {api::GuestExecRequest{"", {}, {}, ""}, api::GuestExecRequest{"a", {}, {"b"}, ""},
          api::GuestExecRequest{"a", {}, {"=b"}, ""}, api::GuestExecRequest{"a", {}, {}, "x"}}) {
        BOOST_TEST((code_of([&] {
                        (void)guests().exec(by_name("web"), wrong, tester, at_once());
                    }) == ErrorCode::invalid));
    }
    destroy("web");
}

BOOST_AUTO_TEST_CASE(a_frozen_guest_is_thawed_at_its_deadline) {
    create("web");
    BOOST_TEST(freeze("web", 60).thaw_in_ms.value() == 60'000);
    BOOST_TEST(keeper().frozen);
    BOOST_TEST((code_of([&] { freeze("web", 60); }) == ErrorCode::wrong_state));
    BOOST_TEST(guests().freeze_status(by_name("web"), tester).frozen);
    BOOST_TEST(error_of([&] {
                   service().save(by_name("web"), {dir().path("file"), {}}, tester, at_once());
               }) == "The guest of 'web' is frozen");
    clock().advance(59'000);
    BOOST_TEST(guests().freeze_status(by_name("web"), tester).thaw_in_ms.value() == 1000);
    clock().advance(1'000);
    BOOST_TEST(thaws());
    BOOST_TEST(comes("partition.guest-thawed"));
    BOOST_TEST(freeze("web", 60).frozen);
    BOOST_TEST(!guests().thaw(by_name("web"), tester, at_once()).frozen);
    BOOST_TEST(!guests().freeze_status(by_name("web"), tester).thaw_in_ms.has_value());
    for (const std::uint64_t wrong : {std::uint64_t{0}, std::uint64_t{3601}}) {
        BOOST_TEST((code_of([&] { freeze("web", wrong); }) == ErrorCode::invalid));
    }
    destroy("web");
}

BOOST_AUTO_TEST_CASE(another_daemon_thaws_what_this_one_froze) {
    create("web");
    freeze("web", 60);
    restart_daemon();
    BOOST_TEST(keeper().frozen);
    clock().advance(60'000);
    BOOST_TEST(thaws());
    BOOST_TEST(comes("partition.guest-thawed"));
    destroy("web");
}

BOOST_AUTO_TEST_CASE(a_guest_that_does_not_answer_is_thawed_when_it_does) {
    create("web");
    freeze("web", 1);
    agent(true, true);
    clock().advance(1'000);
    // It was tried, and is tried again.
    agent(true);
    clock().advance(10'000);
    const auto deadline = soon();
    while (keeper().frozen && !deadline.expired()) {
        clock().advance(1'000);
    }
    BOOST_TEST(!keeper().frozen);
    destroy("web");
}

BOOST_AUTO_TEST_CASE(a_paused_guest_is_thawed_when_it_goes_on) {
    create("web");
    freeze("web", 1);
    service().pause(by_name("web"), tester, at_once());
    clock().advance(100'000);
    BOOST_TEST(keeper().frozen);
    service().unpause(by_name("web"), tester, at_once());
    const auto deadline = soon();
    while (keeper().frozen && !deadline.expired()) {
        clock().advance(1'000);
    }
    BOOST_TEST(!keeper().frozen);
    destroy("web");
}

BOOST_AUTO_TEST_CASE(guests_that_do_not_answer_do_not_delay_others_for_long) {
    constexpr int many = 20;
    for (int i = 0; i < many; ++i) {
        create("g" + std::to_string(i));
        freeze("g" + std::to_string(i), 1);
    }
    agent(true, true);
    clock().advance(1'000);
    define("other");
    start("other");
    destroy("other");
    agent(true);
    const auto deadline = soon();
    const auto all = [&] {
        const auto keepers = machine().keepers();
        return std::none_of(keepers.begin(), keepers.end(),
                            [](const auto& keeper) { return keeper.second.frozen; });
    };
    while (!all() && !deadline.expired()) {
        clock().advance(1'000);
    }
    BOOST_TEST(all());
    for (int i = 0; i < many; ++i) {
        destroy("g" + std::to_string(i));
    }
}

BOOST_AUTO_TEST_CASE(a_freeze_that_failed_is_taken_back) {
    create("web");
    auto faults = machine().faults();
    faults.fail_freeze = "no file system";
    machine().set_faults(faults);
    BOOST_TEST((code_of([&] { freeze("web", 3000); }) == ErrorCode::failed));
    BOOST_TEST(comes("partition.guest-thawed"));
    faults.fail_freeze = "";
    machine().set_faults(faults);
    BOOST_TEST(freeze("web", 60).frozen);
    destroy("web");
    // Its run is over: nothing is left to thaw.
    clock().advance(60'000);
    define("web");
    start("web");
    BOOST_TEST(freeze("web", 60).frozen);
    destroy("web");
}

BOOST_AUTO_TEST_CASE(a_guests_clock_becomes_the_hosts) {
    create("web");
    const auto time = guests().sync_time(by_name("web"), tester, at_once());
    BOOST_TEST(time.before_ms == 1000 - clock().wall_ms());
    const auto asked = machine().asked(get("web").uuid);
    BOOST_TEST(asked.back() == "agent clock " + std::to_string(clock().wall_ms() * 1'000'000));
    BOOST_TEST(count("partition.guest-time") == 1U);
    destroy("web");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace mshv::testing
