// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/api/thrown.hpp"
#include "tests/unit/control/whole.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <boost/test/unit_test.hpp>

namespace mshv::testing {
namespace {

using api::ErrorCode;

struct MediaWorld : Whole {
    std::string file(const std::string& name) {
        posix::replace_file(dir().path(name), "x");
        return dir().path(name);
    }
    void define_with_drive(const std::string& name) {
        define(name);
        api::AttachDiskRequest request;
        request.disk.device = api::DiskDevice::cdrom;
        request.disk.bus = api::DiskBus::sata;
        request.config = true;
        service().attach_disk(by_name(name), request, tester, at_once());
    }
    api::PartitionView change(const std::string& name, const std::string& path, bool live = false,
                              bool config = false, bool force = false,
                              const std::string& target = "sda") {
        api::ChangeMediumRequest request;
        request.target = target;
        request.path = path;
        request.force = force;
        request.live = live;
        request.config = config;
        request.timeout_ms = 1000;
        return service().change_medium(by_name(name), request, tester, at_once());
    }
    /// Of what runs, or else the definition: the path without its folder.
    std::string medium(const std::string& name) {
        const auto path = service().disks(by_name(name)).disks.at(0).disk.path;
        return path.substr(path.rfind('/') + 1);
    }
    std::string defined(const std::string& name) {
        const auto path = service().definition(by_name(name), {}).spec.devices.disks.at(0).path;
        return path.substr(path.rfind('/') + 1);
    }
    /// May another partition write to it?
    bool is_free(const std::string& path) {
        define("taker");
        api::AttachDiskRequest request;
        request.disk.path = path;
        bool is = true;
        start("taker");
        try {
            service().attach_disk(by_name("taker"), request, tester, at_once());
        } catch (const api::Error& error) {
            BOOST_TEST((error.code() == ErrorCode::exists), error.what());
            is = false;
        }
        destroy("taker");
        service().undefine(by_name("taker"), {}, tester, at_once());
        return is;
    }
    std::string last_event() {
        std::string told;
        for (const auto& event : service().events(0, 1000, {}, at_once()).events) {
            if (event.kind.starts_with("partition.medium")) {
                told = event.kind + " " + event.detail.substr(0, 3);
            }
        }
        return told;
    }
    FakeKeeper keeper() { return machine().keepers().begin()->second; }
    template <typename T>
    void fault(T Faults::*which, const T& value) {
        auto faults = machine().faults();
        faults.*which = value;
        machine().set_faults(faults);
    }
};

BOOST_FIXTURE_TEST_SUITE(media, MediaWorld)

BOOST_AUTO_TEST_CASE(a_medium_comes_to_what_runs_and_goes) {
    define_with_drive("web");
    start("web");
    const auto path = file("a.iso");
    change("web", path);
    BOOST_TEST(medium("web") == "a.iso");
    BOOST_TEST(defined("web").empty());
    BOOST_TEST(get("web").revision == 2);
    BOOST_TEST(last_event() == "partition.medium-inserted sda");
    BOOST_TEST(!is_free(path));
    change("web", ""); // which takes it out
    BOOST_TEST(medium("web").empty());
    BOOST_TEST(last_event() == "partition.medium-ejected sda");
    BOOST_TEST(is_free(path));
    change("web", ""); // an empty drive stays so
}

BOOST_AUTO_TEST_CASE(another_medium_takes_the_place_of_the_first_and_so_do_its_leases) {
    define_with_drive("web");
    start("web");
    const auto first = file("a.iso");
    const auto second = file("b.iso");
    change("web", first);
    change("web", second);
    BOOST_TEST(medium("web") == "b.iso");
    BOOST_TEST(is_free(first));
    BOOST_TEST(!is_free(second));
    change("web", second); // the same name, perhaps another file by now
    BOOST_TEST(!is_free(second));
}

BOOST_AUTO_TEST_CASE(the_definition_has_it_when_that_is_said_or_nothing_runs) {
    define_with_drive("web");
    change("web", file("a.iso"));
    BOOST_TEST(defined("web") == "a.iso");
    start("web");
    change("web", file("b.iso"), false, true);
    BOOST_TEST(medium("web") == "a.iso");
    BOOST_TEST(defined("web") == "b.iso");
    BOOST_TEST(get("web").runtime->pending);
    change("web", file("c.iso"), true, true);
    BOOST_TEST(medium("web") == "c.iso");
    BOOST_TEST(defined("web") == "c.iso");
    BOOST_TEST(!get("web").runtime->pending);
    change("web", "", true, true);
    BOOST_TEST(medium("web").empty());
    BOOST_TEST(defined("web").empty());
    destroy("web");
    BOOST_TEST((code_of([&] { change("web", file("d.iso"), true); }) == ErrorCode::wrong_state));
}

BOOST_AUTO_TEST_CASE(the_lock_of_the_tray_is_honoured) {
    define_with_drive("web");
    start("web");
    const auto first = file("a.iso");
    const auto second = file("b.iso");
    change("web", first);
    fault(&Faults::tray_locked, true);
    BOOST_TEST((code_of([&] { change("web", ""); }) == ErrorCode::timeout));
    BOOST_TEST(last_event() == "partition.medium-kept sda");
    BOOST_TEST((code_of([&] { change("web", second, true, true); }) == ErrorCode::timeout));
    BOOST_TEST(last_event() == "partition.medium-not-inserted sda");
    BOOST_TEST(medium("web") == "a.iso");
    BOOST_TEST(defined("web").empty());
    BOOST_TEST(is_free(second));
    BOOST_TEST(!is_free(first));
    change("web", "", false, false, true);
    BOOST_TEST(medium("web").empty());
    BOOST_TEST(is_free(first));
}

BOOST_AUTO_TEST_CASE(what_fails_leaves_what_was_there) {
    define_with_drive("web");
    start("web");
    const auto first = file("a.iso");
    const auto second = file("b.iso");
    change("web", first);
    fault(&Faults::fail_medium, std::string("it cannot be read"));
    BOOST_TEST((code_of([&] { change("web", second); }) == ErrorCode::failed));
    BOOST_TEST(medium("web") == "a.iso");
    BOOST_TEST(is_free(second));
    fault(&Faults::fail_medium, std::string());
    // The VMM has lost both: that is what is told, and nobody has a lease.
    fault(&Faults::lose_medium, true);
    BOOST_TEST((code_of([&] { change("web", second); }) == ErrorCode::failed));
    BOOST_TEST(medium("web").empty());
    BOOST_TEST(last_event() == "partition.medium-ejected sda");
    BOOST_TEST(is_free(first));
    BOOST_TEST(is_free(second));
}

BOOST_AUTO_TEST_CASE(only_a_drive_has_a_medium) {
    define_with_drive("web");
    api::AttachDiskRequest request;
    request.disk.path = file("disk");
    request.config = true;
    service().attach_disk(by_name("web"), request, tester, at_once());
    const auto iso = file("a.iso");
    const auto into = [&](const std::string& target, bool config) {
        return code_of([&] { change("web", iso, !config, config, false, target); });
    };
    BOOST_TEST((into("vda", true) == ErrorCode::unsupported));
    BOOST_TEST((into("sdz", true) == ErrorCode::not_found));
    start("web");
    BOOST_TEST((into("vda", false) == ErrorCode::unsupported));
    BOOST_TEST((into("sdz", false) == ErrorCode::not_found));
    create("other");
    // What another partition writes to is nobody's medium.
    request = {};
    request.disk.path = iso;
    service().attach_disk(by_name("other"), request, tester, at_once());
    BOOST_TEST((into("sda", false) == ErrorCode::exists));
    BOOST_TEST(medium("web").empty());
}

BOOST_AUTO_TEST_CASE(it_is_there_for_the_next_daemon_and_the_next_generation) {
    define_with_drive("web");
    start("web");
    change("web", file("a.iso"));
    stop_daemon();
    start_daemon();
    BOOST_TEST(medium("web") == "a.iso");
    machine().guest_reboot(get("web").uuid);
    const auto is_back = [&] {
        const auto view = get("web");
        return view.state == api::State::running && view.runtime->generation == 2;
    };
    for (std::int64_t since = 0; !is_back();) {
        since = service().events(since, 100, {}, soon()).last_seq;
    }
    BOOST_TEST(medium("web") == "a.iso");
    BOOST_TEST(keeper().media_next.at("disk0").ends_with("a.iso"));
    change("web", "");
    BOOST_TEST(medium("web").empty());
}

// The medium is part of what is saved, and the definition may have another one.
BOOST_AUTO_TEST_CASE(a_saved_guest_has_the_medium_that_was_inserted) {
    define_with_drive("web");
    start("web");
    const auto iso = file("a.iso");
    change("web", iso);
    const auto ended = [&](const api::JobView& job) { return service().job(job.id, soon()); };
    const auto state = dir().path("web.save");
    const auto saved = ended(service().save(by_name("web"), {state}, tester, at_once()));
    BOOST_REQUIRE_MESSAGE(saved.state == api::JobState::done, saved.message);
    BOOST_TEST(medium("web").empty());
    BOOST_TEST(is_free(iso));
    api::RestoreRequest request;
    request.path = state;
    const auto again = ended(service().restore(request, tester, at_once()));
    BOOST_REQUIRE_MESSAGE(again.state == api::JobState::done, again.message);
    BOOST_TEST(medium("web") == "a.iso");
    BOOST_TEST(!is_free(iso));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace mshv::testing
