// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/autostarter.hpp"
#include "tests/unit/api/thrown.hpp"
#include "tests/unit/control/whole.hpp"

#include <boost/test/unit_test.hpp>

// Shutdown, reboot and autostart: what goes on after the request was answered.

namespace mshv::testing {
namespace {

using api::CreateMode;
using api::ErrorCode;
using api::Reason;
using api::State;

struct Policy : Whole {
    /// Waits until the guest has been asked `count` times.
    std::vector<std::string> asked(const api::Uuid& uuid, std::size_t count) {
        BOOST_TEST(machine().wait([&](const auto& keepers) {
            for (const auto& [key, keeper] : keepers) {
                if (key.first == uuid && keeper.asked.size() >= count) {
                    return true;
                }
            }
            return false;
        }));
        return machine().asked(uuid);
    }
    void faults(bool no_agent, bool deaf) {
        Faults faults;
        faults.no_agent = no_agent;
        faults.deaf = deaf;
        machine().set_faults(faults);
    }
    void define_autostart(const std::string& name, unsigned order,
                          const std::function<void(api::Autostart&)>& edit = {}) {
        auto request = request_of(name, CreateMode::define);
        request.spec.autostart.enabled = true;
        request.spec.autostart.order = order;
        if (edit) {
            edit(request.spec.autostart);
        }
        service().create(request, tester, at_once());
    }
    /// Names in the order in which autostart began them.
    std::vector<std::string> autostarted() {
        std::vector<std::string> names;
        for (const auto& event : store().events(0, 0, std::nullopt).events) {
            if (event.actor == "autostart" && event.to == State::starting) {
                names.push_back(event.name);
            }
        }
        return names;
    }
    void boot_host(const std::string& boot_id) {
        stop_daemon();
        machine().reboot_host(boot_id);
        start_daemon();
    }
};

using Words = std::vector<std::string>;

BOOST_FIXTURE_TEST_SUITE(policy, Policy)

BOOST_AUTO_TEST_CASE(a_guest_that_follows_is_shutdown) {
    faults(true, false);
    define("web");
    start("web");
    const auto view = service().shutdown(by_name("web"), {}, tester, at_once());
    BOOST_TEST((view.state == State::stopping || view.state == State::shutoff));
    BOOST_TEST((wait("web", State::shutoff).reason == Reason::shutdown));
    BOOST_TEST(service().history("web", 1)[0].ended_by == "tester");
}

BOOST_AUTO_TEST_CASE(the_ladder_is_climbed_resent_and_given_up) {
    faults(false, true);
    const auto view = create("web");
    api::ShutdownRequest request;
    request.timeout_s = 40;
    const auto stopping = service().shutdown(by_name("web"), request, tester, at_once());
    BOOST_TEST((stopping.state == State::stopping));
    BOOST_TEST(stopping.operation->verb == "shutdown");
    BOOST_TEST((asked(view.uuid, 1) == Words{"agent"}));
    clock().advance(15'000);
    BOOST_TEST((asked(view.uuid, 2) == Words{"agent", "acpi"}));
    clock().advance(15'000);
    BOOST_TEST((asked(view.uuid, 3) == Words{"agent", "acpi", "acpi"}));
    clock().advance(10'000);
    BOOST_TEST((wait("web", State::running).reason == Reason::user));
    BOOST_TEST(!get("web").operation);
    BOOST_TEST(machine().vmm_count() == 1U);
}

BOOST_AUTO_TEST_CASE(a_refused_method_is_followed_by_the_next_at_once) {
    faults(true, true);
    const auto view = create("web");
    service().shutdown(by_name("web"), {}, tester, at_once());
    BOOST_TEST((asked(view.uuid, 1) == Words{"acpi"}));
}

BOOST_AUTO_TEST_CASE(a_deadline_can_end_in_destroy) {
    faults(true, true);
    define("web");
    start("web");
    api::ShutdownRequest request;
    request.timeout_s = 5;
    request.escalate = api::Escalate::destroy;
    service().shutdown(by_name("web"), request, tester, at_once());
    clock().advance(5000);
    BOOST_TEST((wait("web", State::shutoff).reason == Reason::destroyed));
}

BOOST_AUTO_TEST_CASE(a_shutdown_goes_on_with_the_next_daemon) {
    faults(true, true);
    define("web");
    const auto view = start("web");
    api::ShutdownRequest request;
    request.timeout_s = 60;
    request.escalate = api::Escalate::destroy;
    service().shutdown(by_name("web"), request, tester, at_once());
    asked(view.uuid, 1);
    clock().advance(20'000);
    restart_daemon();
    BOOST_TEST((get("web").state == State::stopping));
    asked(view.uuid, 2);
    clock().advance(40'000);
    BOOST_TEST((wait("web", State::shutoff).reason == Reason::destroyed));
}

BOOST_AUTO_TEST_CASE(destroy_ends_a_shutdown) {
    faults(true, true);
    create("web");
    service().shutdown(by_name("web"), {}, tester, at_once());
    destroy("web");
    BOOST_TEST(!exists("web"));
}

BOOST_AUTO_TEST_CASE(destroy_with_grace_asks_first) {
    faults(true, false);
    define("web");
    start("web");
    api::DestroyRequest request;
    request.grace_ms = 10'000;
    service().destroy(by_name("web"), request, tester, at_once());
    BOOST_TEST((wait("web", State::shutoff).reason == Reason::shutdown));
}

BOOST_AUTO_TEST_CASE(protection_needs_to_be_overridden) {
    auto request = request_of("web", CreateMode::persistent);
    request.spec.protect_destroy = request.spec.protect_delete = true;
    service().create(request, tester, at_once());
    BOOST_TEST((code_of([&] { destroy("web"); }) == ErrorCode::denied));
    api::DestroyRequest destroy;
    destroy.override_protection = true;
    service().destroy(by_name("web"), destroy, tester, at_once());
    BOOST_TEST((code_of([&] { service().undefine(by_name("web"), {}, tester, at_once()); }) ==
                ErrorCode::denied));
}

BOOST_AUTO_TEST_CASE(a_reboot_needs_the_agent) {
    auto request = request_of("web", CreateMode::transient);
    request.spec.devices.agent_channel = true;
    service().create(request, tester, at_once());
    BOOST_TEST((code_of([&] { service().reboot(by_name("web"), {}, tester, at_once()); }) ==
                ErrorCode::unsupported));
    faults(false, false);
    service().reboot(by_name("web"), {}, tester, at_once());
    BOOST_TEST((wait("web", State::running).reason == Reason::guest_reboot));
    BOOST_TEST(get("web").runtime->generation == 2);
    BOOST_TEST(!get("web").operation);
    faults(true, true);
    api::ShutdownRequest hard;
    hard.escalate = api::Escalate::destroy;
    service().reboot(by_name("web"), hard, tester, at_once());
    BOOST_TEST(machine().keepers().begin()->second.generation == 3);
}

BOOST_AUTO_TEST_CASE(autostart_is_in_order_and_once_a_boot) {
    define_autostart("third", 30);
    define_autostart("first", 10);
    define_autostart("second", 20);
    define("manual");
    boot_host("boot-2");
    wait("third", State::running);
    BOOST_TEST((autostarted() == Words{"first", "second", "third"}));
    destroy("second");
    restart_daemon();
    BOOST_TEST((get("second").state == State::shutoff));
    BOOST_TEST((get("manual").state == State::shutoff));
    // A partition that gets autostart later waits for the next boot.
    service().set_autostart(by_name("manual"), {}, tester, at_once());
    restart_daemon();
    BOOST_TEST((get("manual").state == State::shutoff));
    boot_host("boot-3");
    wait("manual", State::running);
    wait("second", State::running);
}

BOOST_AUTO_TEST_CASE(autostart_of_what_was_running) {
    define_autostart("was", 10, [](auto& a) { a.when = api::AutostartWhen::if_was_running; });
    define_autostart("was-not", 20, [](auto& a) { a.when = api::AutostartWhen::if_was_running; });
    define_autostart("last", 30);
    start("was");
    boot_host("boot-2");
    wait("last", State::running);
    BOOST_TEST((autostarted() == Words{"was", "last"}));
}

BOOST_AUTO_TEST_CASE(what_the_hosts_shutdown_ended_was_running) {
    const auto note = [&](const std::string& name, api::HostOutcome outcome,
                          const std::string& detail) {
        service().note_host_shutdown(by_name(name), {outcome, detail}, tester);
    };
    for (const char* name : {"ended", "left", "by-hand", "off"}) {
        define_autostart(name, 10, [](auto& a) { a.when = api::AutostartWhen::if_was_running; });
    }
    for (const char* name : {"ended", "left", "by-hand"}) {
        start(name);
    }
    destroy("by-hand");
    note("ended", api::HostOutcome::begun, "destroy");
    note("left", api::HostOutcome::begun, "leave");
    note("off", api::HostOutcome::begun, "shutdown, 120 s"); // it did not run
    destroy("ended");
    note("ended", api::HostOutcome::destroyed, "");
    note("left", api::HostOutcome::left, "as asked");
    const auto told = [&](const std::string& name) {
        return service().history(name, 1).front().detail;
    };
    BOOST_TEST(told("ended") == "host shutdown: destroyed");
    BOOST_TEST(told("left") == "host shutdown: left: as asked");
    const auto kinds = story("ended");
    BOOST_TEST(std::count(kinds.begin(), kinds.end(), "partition.host-shutdown") == 1);
    BOOST_TEST(std::count(kinds.begin(), kinds.end(), "partition.host-shutdown-done") == 1);
    boot_host("boot-2");
    wait("ended", State::running);
    wait("left", State::running);
    BOOST_TEST((get("by-hand").state == State::shutoff));
    BOOST_TEST((get("off").state == State::shutoff));
    BOOST_TEST(service().history("left", 2).back().detail.starts_with("host shutdown: left"));
    // Who is ended by hand after that was not running.
    destroy("ended");
    boot_host("boot-3");
    wait("left", State::running);
    BOOST_TEST((get("ended").state == State::shutoff));
}

BOOST_AUTO_TEST_CASE(autostart_waits_for_others_and_gives_up_on_some) {
    define_autostart("app", 10, [](auto& a) { a.after = {{"db", api::AfterState::running, 60}}; });
    define_autostart("lost", 15, [](auto& a) {
        a.after = {{"none", api::AfterState::running, 5}};
    });
    define_autostart("db", 20);
    boot_host("boot-2");
    wait("app", State::running);
    BOOST_TEST((autostarted() == Words{"db", "app"}));
    clock().advance(6000);
    std::string failure;
    for (std::int64_t since = 0; failure.empty();) {
        const auto page = service().events(since, 100, std::nullopt, soon());
        since = page.last_seq;
        BOOST_REQUIRE(!page.events.empty());
        for (const auto& event : page.events) {
            failure = event.kind == "partition.autostart-failed" ? event.detail : failure;
        }
    }
    BOOST_TEST(failure == "'none' is not running");
}

BOOST_AUTO_TEST_CASE(mounts_are_recognised) {
    const std::string text = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
                             "40 22 0:30 / /srv/vm\\040disks rw,relatime shared:1 - nfs x rw\n";
    BOOST_TEST(control::is_mounted(text, "/"));
    BOOST_TEST(control::is_mounted(text, "/srv/vm disks"));
    BOOST_TEST(!control::is_mounted(text, "/srv"));
    BOOST_TEST(!control::is_mounted("", "/"));
    BOOST_TEST(!control::is_mounted("garbage\\0\n\n", "/"));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace mshv::testing
