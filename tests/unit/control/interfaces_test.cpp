// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/api/thrown.hpp"
#include "tests/unit/control/whole.hpp"

#include <boost/test/unit_test.hpp>

namespace mshv::testing {
namespace {

using api::ErrorCode;

struct InterfacesWorld : Whole {
    api::AttachNicRequest nic(const std::string& mac = {}, bool live = false, bool config = false) {
        api::AttachNicRequest request;
        request.interface.mac = mac;
        request.live = live;
        request.config = config;
        return request;
    }
    api::PartitionView attach(const std::string& name, const api::AttachNicRequest& request) {
        return service().attach_nic(by_name(name), request, tester, at_once());
    }
    api::PartitionView detach(const std::string& name, const std::string& target, bool live = false,
                              bool config = false) {
        return service().detach_nic(by_name(name), {target, live, config, 1000}, tester, at_once());
    }
    api::PartitionView link(const std::string& name, const std::string& target, bool up,
                            bool live = false, bool config = false) {
        return service().set_link(by_name(name), {target, up, live, config, 1000}, tester,
                                  at_once());
    }
    /// "net0 present config; …"
    std::string nics(const std::string& name) {
        std::string text;
        for (const auto& view : service().nics(by_name(name)).interfaces) {
            text += (text.empty() ? "" : "; ") + view.interface.alias + " " +
                    std::string(api::to_name(view.state)) + (view.config ? " config" : "") +
                    (view.interface.link_up ? "" : " down");
        }
        return text;
    }
    std::string mac_of(const std::string& name, std::size_t index = 0) {
        return service().nics(by_name(name)).interfaces.at(index).interface.mac;
    }
    FakeKeeper keeper() { return machine().keepers().begin()->second; }
    bool settles(const std::string& name, const std::string& wanted) {
        const auto deadline = soon();
        while (nics(name) != wanted && !deadline.expired()) {
            (void)service().events(service().events(0, 1, {}, at_once()).last_seq, 1, {},
                                   posix::Deadline::after(std::chrono::milliseconds(20)));
        }
        return nics(name) == wanted;
    }
    void fault(std::string Faults::*which, const std::string& text) {
        auto faults = machine().faults();
        faults.*which = text;
        machine().set_faults(faults);
    }
    void fault(bool Faults::*which, bool on) {
        auto faults = machine().faults();
        faults.*which = on;
        machine().set_faults(faults);
    }
};

BOOST_FIXTURE_TEST_SUITE(interfaces, InterfacesWorld)

BOOST_AUTO_TEST_CASE(an_interface_comes_with_its_tap_and_goes) {
    define("web");
    start("web");
    auto wanted = nic("52:54:00:AA:00:01");
    wanted.interface.source = api::NicSource::bridge;
    wanted.interface.bridge = "br0";
    attach("web", wanted);
    BOOST_TEST(nics("web") == "net0 present");
    BOOST_TEST(mac_of("web") == "52:54:00:aa:00:01");
    const auto tap = "mshv" + std::to_string(get("web").id) + ".0";
    BOOST_TEST(keeper().taps.at("net0") == tap);
    BOOST_TEST(service().nics(by_name("web")).interfaces.at(0).tap == tap);
    BOOST_TEST(get("web").revision == 1);
    detach("web", "52:54:00:aa:00:01");
    BOOST_TEST(nics("web").empty());
    BOOST_TEST(!keeper().made_of.contains("net0"));
    BOOST_TEST(broken_invariants(*this).empty());
}

BOOST_AUTO_TEST_CASE(an_address_is_one_partitions_alone) {
    define("web");
    start("web");
    attach("web", nic("52:54:00:00:00:01"));
    define("other");
    BOOST_TEST((code_of([&] { attach("other", nic("52:54:00:00:00:01")); }) == ErrorCode::exists));
    BOOST_TEST((code_of([&] { attach("web", nic("52:54:00:00:00:01")); }) == ErrorCode::exists));
    attach("other", nic("52:54:00:00:00:02"));
    BOOST_TEST((code_of([&] { attach("web", nic("52:54:00:00:00:02")); }) == ErrorCode::exists));
    BOOST_TEST(nics("web") == "net0 present");
    destroy("web"); // gives it back
    attach("other", nic("52:54:00:00:00:01"));
}

BOOST_AUTO_TEST_CASE(in_what_runs_in_the_definition_or_in_both) {
    define("web");
    attach("web", nic());
    start("web");
    attach("web", nic({}, true, true));
    BOOST_TEST(nics("web") == "net0 present config; net1 present config");
    BOOST_TEST(!get("web").runtime->pending);
    attach("web", nic({}, true));
    // What runs is made to stay: the same interface.
    attach("web", nic(mac_of("web", 2), false, true));
    BOOST_TEST(nics("web") == "net0 present config; net1 present config; net2 present config");
    detach("web", "net1", false, true);
    BOOST_TEST(get("web").runtime->pending);
    BOOST_TEST((code_of([&] { detach("web", "net1", true, true); }) == ErrorCode::not_found));
    detach("web", "net1", true);
    BOOST_TEST(nics("web") == "net0 present config; net2 present config");
    destroy("web");
    BOOST_TEST(nics("web") == "net0 defined config; net2 defined config");
}

BOOST_AUTO_TEST_CASE(what_fails_leaves_no_interface) {
    define("web");
    start("web");
    fault(&Faults::fail_attach, "no port is free");
    BOOST_TEST((code_of([&] { attach("web", nic("52:54:00:00:00:01")); }) == ErrorCode::failed));
    BOOST_TEST(nics("web").empty());
    BOOST_TEST(keeper().made_of.empty());
    fault(&Faults::fail_attach, "");
    create("other");
    attach("other", nic("52:54:00:00:00:01")); // the address is free again
}

BOOST_AUTO_TEST_CASE(the_guest_keeps_an_interface_as_long_as_it_likes) {
    create("web");
    attach("web", nic());
    fault(&Faults::keeps_device, true);
    BOOST_TEST((code_of([&] { detach("web", "net0"); }) == ErrorCode::failed));
    BOOST_TEST(nics("web") == "net0 present");
    fault(&Faults::keeps_device, false);
    fault(&Faults::slow_to_let_go, true);
    BOOST_TEST((code_of([&] { detach("web", "net0"); }) == ErrorCode::timeout));
    BOOST_TEST(nics("web") == "net0 detaching");
    BOOST_TEST((code_of([&] { link("web", "net0", false); }) == ErrorCode::wrong_state));
    stop_daemon();
    machine().guest_lets_go(machine().keepers().begin()->first.first, "net0");
    start_daemon();
    BOOST_TEST(settles("web", ""));
}

BOOST_AUTO_TEST_CASE(a_cable_is_pulled_and_plugged_in) {
    define("web");
    attach("web", nic());
    start("web");
    link("web", "net0", false);
    BOOST_TEST(nics("web") == "net0 present config down");
    BOOST_TEST(!keeper().links.at("net0"));
    BOOST_TEST(get("web").revision == 2);
    link("web", mac_of("web"), true, true, true);
    BOOST_TEST(keeper().links.at("net0"));
    BOOST_TEST(nics("web") == "net0 present config");
    link("web", "net0", false, false, true);
    BOOST_TEST(get("web").runtime->pending);
    BOOST_TEST(keeper().links.at("net0"));
    fault(&Faults::fail_link, "no");
    BOOST_TEST((code_of([&] { link("web", "net0", false, true); }) == ErrorCode::failed));
    BOOST_TEST(nics("web") == "net0 present config");
    BOOST_TEST((code_of([&] { link("web", "net7", false); }) == ErrorCode::not_found));
    BOOST_TEST(broken_invariants(*this).empty());
}

BOOST_AUTO_TEST_CASE(a_saved_guest_has_the_interfaces_that_came) {
    define("web");
    attach("web", nic());
    start("web");
    attach("web", nic("52:54:00:00:00:09"));
    link("web", "net0", false);
    const auto ended = [&](const api::JobView& job) { return service().job(job.id, soon()); };
    api::RestoreRequest request;
    request.path = dir().path("web.save");
    const auto saved = ended(service().save(by_name("web"), {request.path}, tester, at_once()));
    BOOST_REQUIRE_MESSAGE(saved.state == api::JobState::done, saved.message);
    BOOST_TEST(nics("web") == "net0 defined config");
    const auto again = ended(service().restore(request, tester, at_once()));
    BOOST_REQUIRE_MESSAGE(again.state == api::JobState::done, again.message);
    BOOST_TEST(nics("web") == "net0 present config down; net1 present");
    create("other");
    BOOST_TEST((code_of([&] { attach("other", nic("52:54:00:00:00:09")); }) == ErrorCode::exists));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace mshv::testing
