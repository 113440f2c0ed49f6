// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/api/thrown.hpp"
#include "tests/unit/control/whole.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <boost/test/unit_test.hpp>

namespace mshv::testing {
namespace {

using api::CreateMode;
using api::DeviceState;
using api::ErrorCode;
using api::State;

struct DevicesWorld : Whole {
    std::string file(const std::string& name) {
        posix::replace_file(dir().path(name), "x");
        return dir().path(name);
    }
    api::AttachDiskRequest disk(const std::string& path, bool live = false, bool config = false) {
        api::AttachDiskRequest request;
        request.disk.path = path;
        request.live = live;
        request.config = config;
        return request;
    }
    api::PartitionView attach(const std::string& name, const api::AttachDiskRequest& request) {
        return service().attach_disk(by_name(name), request, tester, at_once());
    }
    api::PartitionView detach(const std::string& name, const std::string& target, bool live = false,
                              bool config = false) {
        return service().detach_disk(by_name(name), {target, live, config, 1000}, tester,
                                     at_once());
    }
    /// "vda present defined; …"
    std::string disks(const std::string& name) {
        std::string text;
        for (const auto& view : service().disks(by_name(name)).disks) {
            text += (text.empty() ? "" : "; ") + view.disk.target + " " +
                    std::string(api::to_name(view.state)) + (view.config ? " config" : "");
        }
        return text;
    }
    FakeKeeper keeper() { return machine().keepers().begin()->second; }
    /// Waits until the disks are what `wanted` says.
    bool settles(const std::string& name, const std::string& wanted) {
        const auto deadline = soon();
        while (disks(name) != wanted && !deadline.expired()) {
            (void)service().events(service().events(0, 1, {}, at_once()).last_seq, 1, {},
                                   posix::Deadline::after(std::chrono::milliseconds(20)));
        }
        return disks(name) == wanted;
    }
};

BOOST_FIXTURE_TEST_SUITE(devices, DevicesWorld)

BOOST_AUTO_TEST_CASE(a_disk_comes_to_what_runs_and_goes) {
    define("web");
    start("web");
    const auto path = file("data");
    attach("web", disk(path));
    BOOST_TEST(disks("web") == "vda present");
    BOOST_TEST(keeper().devices.contains("disk0"));
    BOOST_TEST(get("web").revision == 1); // the definition is as it was
    BOOST_TEST(!get("web").runtime->pending);
    // Another partition cannot have it.
    create("other");
    BOOST_TEST((code_of([&] { attach("other", disk(path)); }) == ErrorCode::exists));
    BOOST_TEST(disks("other").empty());
    detach("web", "vda");
    BOOST_TEST(disks("web").empty());
    BOOST_TEST(!keeper().made_of.contains("disk0"));
    attach("other", disk(path));
    BOOST_TEST(disks("other") == "vda present");
}

BOOST_AUTO_TEST_CASE(the_definition_gets_it_when_that_is_said_or_nothing_runs) {
    define("web");
    attach("web", disk(file("a")));
    BOOST_TEST(disks("web") == "vda defined config");
    BOOST_TEST(get("web").revision == 2);
    start("web");
    attach("web", disk(file("b"), true, true));
    BOOST_TEST(disks("web") == "vda present config; vdb present config");
    BOOST_TEST(get("web").revision == 3);
    BOOST_TEST(!get("web").runtime->pending); // it has it already
    attach("web", disk(file("c"), false, true));
    BOOST_TEST(disks("web") == "vda present config; vdb present config; vdc defined config");
    BOOST_TEST(get("web").runtime->pending);
    detach("web", "vdb", false, true);
    BOOST_TEST(disks("web") == "vda present config; vdb present; vdc defined config");
    detach("web", "vdb", true);
    detach("web", "vda", true, true);
    BOOST_TEST(disks("web") == "vdc defined config");
    destroy("web");
    BOOST_TEST(disks("web") == "vdc defined config");
    start("web");
    BOOST_TEST(disks("web") == "vdc present config");
}

BOOST_AUTO_TEST_CASE(what_fails_leaves_nothing) {
    create("web");
    const auto path = file("data");
    auto faults = machine().faults();
    faults.fail_attach = "no port is free";
    machine().set_faults(faults);
    BOOST_TEST((code_of([&] { attach("web", disk(path)); }) == ErrorCode::failed));
    BOOST_TEST(disks("web").empty());
    BOOST_TEST(keeper().made_of.empty());
    faults.fail_attach.clear();
    machine().set_faults(faults);
    attach("web", disk(path)); // its lease is free
    BOOST_TEST((code_of([&] { detach("web", "vdz"); }) == ErrorCode::not_found));
    auto twice = disk(file("more"));
    twice.disk.target = "vda";
    BOOST_TEST((code_of([&] { attach("web", twice); }) == ErrorCode::exists));
    destroy("web");
    define("off");
    BOOST_TEST((code_of([&] { attach("off", disk(path, true)); }) == ErrorCode::wrong_state));
}

BOOST_AUTO_TEST_CASE(the_guest_has_the_last_word) {
    create("web");
    const auto path = file("data");
    attach("web", disk(path));
    auto faults = machine().faults();
    faults.keeps_device = true;
    machine().set_faults(faults);
    BOOST_TEST((code_of([&] { detach("web", "vda"); }) == ErrorCode::failed));
    BOOST_TEST(disks("web") == "vda present");
    faults.keeps_device = false;
    faults.slow_to_let_go = true;
    machine().set_faults(faults);
    BOOST_TEST((code_of([&] { detach("web", "vda"); }) == ErrorCode::timeout));
    BOOST_TEST(disks("web") == "vda detaching");
    create("other");
    BOOST_TEST((code_of([&] { attach("other", disk(path)); }) == ErrorCode::exists));
    machine().guest_lets_go(get("web").uuid, "disk0");
    BOOST_TEST(settles("web", ""));
    attach("other", disk(path));
}

BOOST_AUTO_TEST_CASE(a_reboot_ends_what_the_guest_did_not) {
    create("web");
    attach("web", disk(file("kept")));
    attach("web", disk(file("going")));
    auto faults = machine().faults();
    faults.slow_to_let_go = true;
    machine().set_faults(faults);
    BOOST_TEST((code_of([&] { detach("web", "vdb"); }) == ErrorCode::timeout));
    machine().guest_reboot(get("web").uuid);
    BOOST_TEST(settles("web", "vda present"));
    BOOST_TEST(keeper().devices.contains("disk0"));
}

BOOST_AUTO_TEST_CASE(a_guest_that_lets_go_by_itself_is_believed) {
    create("web");
    attach("web", disk(file("data")));
    machine().guest_lets_go(get("web").uuid, "disk0");
    BOOST_TEST(settles("web", ""));
}

BOOST_AUTO_TEST_CASE(the_next_daemon_asks_the_vmm) {
    create("web");
    attach("web", disk(file("data")));
    auto faults = machine().faults();
    faults.slow_to_let_go = true;
    machine().set_faults(faults);
    BOOST_TEST((code_of([&] { detach("web", "vda"); }) == ErrorCode::timeout));
    stop_daemon();
    machine().guest_lets_go(machine().keepers().begin()->first.first, "disk0");
    start_daemon();
    BOOST_TEST(settles("web", ""));
}

BOOST_AUTO_TEST_CASE(a_disk_grows_and_shrinks_only_when_that_is_said) {
    create("web");
    attach("web", disk(file("data")));
    const auto resize = [&](std::uint64_t size, bool shrink = false) {
        return service().resize_disk(by_name("web"), {"vda", size, shrink, 1000}, tester,
                                     at_once());
    };
    resize(1 << 20);
    BOOST_TEST(keeper().sizes.at("disk0") == 1U << 20U);
    BOOST_TEST((code_of([&] { resize(4096); }) == ErrorCode::invalid));
    BOOST_TEST((code_of([&] { resize(0, true); }) == ErrorCode::invalid));
    BOOST_TEST((code_of([&] { resize((2 << 20) + 1); }) == ErrorCode::invalid));
    resize(8192, true);
    BOOST_TEST(keeper().sizes.at("disk0") == 8192U);
    auto faults = machine().faults();
    faults.fail_resize = "No space left on device";
    machine().set_faults(faults);
    BOOST_TEST((code_of([&] { resize(1 << 20); }) == ErrorCode::failed));
    BOOST_TEST(disks("web") == "vda present");
    BOOST_TEST(broken_invariants(*this).empty());
    auto reads = disk(file("iso"));
    reads.disk.read_only = true;
    attach("web", reads);
    BOOST_TEST((
        code_of([&] {
            service().resize_disk(by_name("web"), {"vdb", 1 << 20, false, 1000}, tester, at_once());
        }) == ErrorCode::unsupported));
    define("off");
    BOOST_TEST((
        code_of([&] {
            service().resize_disk(by_name("off"), {"vda", 1 << 20, false, 1000}, tester, at_once());
        }) == ErrorCode::wrong_state));
}

// What it has by then is what is saved, and what goes on; the definition is as it was.
BOOST_AUTO_TEST_CASE(a_saved_guest_has_the_disks_that_came) {
    define("web");
    start("web");
    const auto data = file("data");
    attach("web", disk(data));
    attach("web", disk(file("kept"), true, true));
    const auto ended = [&](const api::JobView& job) { return service().job(job.id, soon()); };
    const auto state = dir().path("web.save");
    const auto saved = ended(service().save(by_name("web"), {state}, tester, at_once()));
    BOOST_REQUIRE_MESSAGE(saved.state == api::JobState::done, saved.message);
    BOOST_TEST(disks("web") == "vdb defined config");
    api::RestoreRequest request;
    request.path = state;
    const auto again = ended(service().restore(request, tester, at_once()));
    BOOST_REQUIRE_MESSAGE(again.state == api::JobState::done, again.message);
    BOOST_TEST(disks("web") == "vda present; vdb present config");
    create("other");
    BOOST_TEST((code_of([&] { attach("other", disk(data)); }) == ErrorCode::exists));
    // Once more: what its machine was made of is known still.
    const auto next = dir().path("next.save");
    BOOST_TEST((ended(service().save(by_name("web"), {next}, tester, at_once())).state ==
                api::JobState::done));
    request.path = next;
    BOOST_TEST((ended(service().restore(request, tester, at_once())).state == api::JobState::done));
    BOOST_TEST(disks("web") == "vda present; vdb present config");
    detach("web", "vda");
    destroy("web");
    // A definition that has changed since is another machine's.
    detach("web", "vdb", false, true);
    attach("web", disk(file("new"), false, true));
    BOOST_TEST((code_of([&] { (void)service().restore(request, tester, at_once()); }) ==
                ErrorCode::wrong_state));
}

// Neither has the VMM of later, nor the file: who it goes with is not known yet.
BOOST_AUTO_TEST_CASE(nothing_is_saved_while_a_disk_is_on_its_way) {
    create("web");
    attach("web", disk(file("data")));
    auto faults = machine().faults();
    faults.slow_to_let_go = true;
    machine().set_faults(faults);
    BOOST_TEST((code_of([&] { detach("web", "vda"); }) == ErrorCode::timeout));
    BOOST_TEST((code_of([&] {
                    (void)service().save(by_name("web"), {dir().path("s")}, tester, at_once());
                }) == ErrorCode::wrong_state));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace mshv::testing
