// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/api/thrown.hpp"
#include "tests/unit/control/whole.hpp"
#include "toolstack/libs/api/io_limits.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <fstream>

namespace mshv::testing {
namespace {

using api::ErrorCode;
using api::State;

constexpr std::uint64_t mib = 1024 * 1024;

struct TuningWorld : Whole {
    api::CreateRequest roomy(const std::string& name, api::CreateMode mode) {
        auto request = request_of(name, mode);
        request.spec.memory.size = 128 * mib;
        return request;
    }
    api::PartitionView define(const std::string& name) {
        return service().create(roomy(name, api::CreateMode::define), tester, at_once());
    }
    api::PartitionView create(const std::string& name) {
        return service().create(roomy(name, api::CreateMode::transient), tester, at_once());
    }
    api::PartitionView set(const std::string& name, std::uint64_t mebibytes, bool live = false,
                           bool config = false) {
        return service().set_memory(by_name(name), {mebibytes * mib, false, live, config, 1000},
                                    tester, at_once());
    }
    api::PartitionView set_maximum(const std::string& name, std::uint64_t mebibytes,
                                   bool live = false) {
        return service().set_memory(by_name(name), {mebibytes * mib, true, live, false, 1000},
                                    tester, at_once());
    }
    api::PartitionView pin(const std::string& name, std::optional<unsigned> vcpu,
                           const std::string& cpus, bool live = false, bool config = false) {
        return service().pin_vcpu(by_name(name), {vcpu, cpus, live, config, 1000}, tester,
                                  at_once());
    }
    /// Of the only disk; 0 takes its limit away.
    api::PartitionView limit(const std::string& name, std::uint64_t iops, bool live = false,
                             bool config = false) {
        api::SetDiskLimitsRequest request;
        request.target = "vda";
        request.total_iops = api::IoLimitChange{iops, {}, {}};
        request.live = live;
        request.config = config;
        return service().set_disk_limits(by_name(name), request, tester, at_once());
    }
    /// What the VMM has, what is recorded of it, and what the definition says: "5 5 -".
    std::string limits(const std::string& name) {
        const auto iops = [](const std::optional<api::IoTune>& tune) {
            return tune && tune->total_iops ? std::to_string(tune->total_iops->per_second)
                                            : std::string("-");
        };
        const auto keepers = machine().keepers();
        std::optional<api::IoTune> has;
        if (!keepers.empty() && keepers.begin()->second.limits.contains("disk0")) {
            has = keepers.begin()->second.limits.at("disk0");
        }
        return iops(has) + " " + iops(service().disks(by_name(name)).disks.front().disk.iotune) +
               " " +
               iops(service().definition(by_name(name), {}).spec.devices.disks.front().iotune);
    }
    api::PartitionView with_disk(const std::string& name) {
        auto request = roomy(name, api::CreateMode::persistent);
        request.spec.devices.disks.resize(1);
        request.spec.devices.disks.front().path = dir().path("a.img");
        std::ofstream(dir().path("a.img")) << std::string(4096, ' ');
        return service().create(request, tester, at_once());
    }
    FakeKeeper keeper() { return machine().keepers().begin()->second; }
    std::uint64_t target() { return keeper().memory_target.value_or(0) / mib; }
    std::uint64_t whole(const std::string& name) {
        return service().memory(by_name(name), soon()).maximum / mib;
    }
    /// What runs shall have so many MiB, and the definition.
    std::uint64_t recorded(const std::string& name) {
        return service().memory(by_name(name), soon()).target / mib;
    }
    std::uint64_t defined(const std::string& name) {
        const auto memory = service().definition(by_name(name), {}).spec.memory;
        return memory.target().value_or(memory.size) / mib;
    }
    bool happened(const std::string& kind) {
        const auto page = service().events(0, 10'000, {}, at_once());
        return std::any_of(page.events.begin(), page.events.end(),
                           [&](const api::Event& event) { return event.kind == kind; });
    }
    /// Waits until the keeper's target is that.
    bool comes_to(std::uint64_t mebibytes) {
        return machine().wait([&](const FakeMachine::Keepers& keepers) {
            return keepers.begin()->second.memory_target == mebibytes * mib;
        });
    }
    void fail(const std::string& why, bool mute = false) {
        auto faults = machine().faults();
        faults.fail_balloon = why;
        faults.mute_balloon = mute;
        machine().set_faults(faults);
    }
};

BOOST_FIXTURE_TEST_SUITE(tuning, TuningWorld)

BOOST_AUTO_TEST_CASE(what_runs_gets_another_target_and_keeps_it) {
    define("web");
    start("web");
    const auto all = whole("web");
    set("web", 96);
    BOOST_TEST(target() == 96U);
    BOOST_TEST(recorded("web") == 96U);
    BOOST_TEST(service().memory(by_name("web"), soon()).reached.value() == 96 * mib);
    BOOST_TEST(defined("web") == all);
    BOOST_TEST(get("web").revision == 1);
    BOOST_TEST(!get("web").runtime->pending);
    BOOST_TEST(happened("partition.memory-target"));
    machine().guest_reboot(get("web").uuid);
    BOOST_TEST(target() == 96U);
    set("web", all);
    BOOST_TEST(!keeper().memory_target.has_value());
    destroy("web");
    BOOST_TEST(recorded("web") == all);
}

BOOST_AUTO_TEST_CASE(the_definition_gets_it_when_that_is_said_or_nothing_runs) {
    define("web");
    set("web", 100);
    BOOST_TEST(defined("web") == 100U);
    BOOST_TEST(get("web").revision == 2);
    start("web");
    set("web", 80, true, true);
    BOOST_TEST(target() == 80U);
    BOOST_TEST(defined("web") == 80U);
    BOOST_TEST(!get("web").runtime->pending); // it has it already
    set("web", 90, false, true);
    BOOST_TEST(target() == 80U);
    BOOST_TEST(defined("web") == 90U);
    BOOST_TEST(get("web").runtime->pending);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_is_refused_and_changes_nothing) {
    create("web");
    const auto all = whole("web");
    BOOST_TEST((code_of([&] { set("web", all + 1); }) == ErrorCode::invalid));
    BOOST_TEST((code_of([&] { set("web", 63); }) == ErrorCode::invalid));
    BOOST_TEST((code_of([&] {
                    (void)service().set_memory(by_name("web"), {70 * mib + 1}, tester, at_once());
                }) == ErrorCode::invalid));
    BOOST_TEST((code_of([&] { set_maximum("web", 512, true); }) == ErrorCode::unsupported));
    destroy("web");
    define("off");
    BOOST_TEST((code_of([&] { set("off", 100, true); }) == ErrorCode::wrong_state));
    set("off", 100);
    BOOST_TEST((code_of([&] { set_maximum("off", 99); }) == ErrorCode::invalid));
    set_maximum("off", 512);
    BOOST_TEST(whole("off") == 512U);
    BOOST_TEST(defined("off") == 100U);
}

BOOST_AUTO_TEST_CASE(a_partition_without_a_balloon_says_so) {
    auto request = roomy("fixed", api::CreateMode::define);
    request.spec.devices.balloon = false;
    service().create(request, tester, at_once());
    BOOST_TEST((code_of([&] { set("fixed", 100); }) == ErrorCode::unsupported));
    start("fixed");
    BOOST_TEST((code_of([&] { set("fixed", 100); }) == ErrorCode::unsupported));
}

BOOST_AUTO_TEST_CASE(a_vmm_that_refuses_is_believed) {
    create("web");
    set("web", 96);
    fail("no balloon");
    BOOST_TEST((code_of([&] { set("web", 80); }) == ErrorCode::failed));
    BOOST_TEST(recorded("web") == 96U);
    BOOST_TEST(happened("partition.memory-refused"));
    BOOST_TEST(broken_invariants(*this).empty());
}

BOOST_AUTO_TEST_CASE(one_that_does_not_answer_is_asked_again) {
    create("web");
    set("web", 96);
    fail("it is silent");
    const auto uuid = get("web").uuid;
    // Silent from the first word: nothing is begun.
    fail("it is silent", true);
    BOOST_TEST((code_of([&] { set("web", 80); }) == ErrorCode::timeout));
    BOOST_TEST(recorded("web") == 96U);
    fail("");
    // The daemon ends between its record and the VMM: the next one tells it.
    machine().set_probe([&](const std::string& point) {
        if (point == "balloon.enter") {
            fail("it is silent", true);
        }
    });
    BOOST_TEST((code_of([&] { set("web", 80); }) == ErrorCode::failed));
    machine().set_probe({});
    BOOST_TEST(recorded("web") == 80U);
    BOOST_TEST(target() == 96U);
    stop_daemon();
    fail("");
    start_daemon();
    BOOST_TEST(comes_to(80));
    // So does a VMM that comes back.
    machine().guest_reboot(uuid);
    BOOST_TEST(target() == 80U);
}

// What it was asked for by then is no part of the machine: it goes on with it.
BOOST_AUTO_TEST_CASE(a_saved_guest_keeps_its_target) {
    define("web");
    start("web");
    set("web", 96);
    const auto ended = [&](const api::JobView& job) { return service().job(job.id, soon()); };
    const auto state = dir().path("web.save");
    BOOST_REQUIRE((ended(service().save(by_name("web"), {state}, tester, at_once())).state ==
                   api::JobState::done));
    set("web", 70); // of the definition: for another start
    api::RestoreRequest request;
    request.path = state;
    const auto again = ended(service().restore(request, tester, at_once()));
    BOOST_REQUIRE_MESSAGE(again.state == api::JobState::done, again.message);
    BOOST_TEST(recorded("web") == 96U);
    BOOST_TEST(target() == 96U);
    BOOST_TEST(defined("web") == 70U);
}

BOOST_AUTO_TEST_CASE(virtual_processors_are_pinned_for_each_generation) {
    auto request = roomy("web", api::CreateMode::define);
    request.spec.cpu.maximum = request.spec.cpu.current = 2;
    service().create(request, tester, at_once());
    start("web");
    pin("web", 1, "0-3,^2");
    BOOST_TEST(keeper().affinity == "1:0-1,3");
    BOOST_TEST(get("web").revision == 1);
    BOOST_TEST(happened("partition.vcpus-pinned"));
    pin("web", std::nullopt, "5", true, true);
    BOOST_TEST(keeper().affinity == "0:5 1:5");
    BOOST_TEST(service().definition(by_name("web"), {}).spec.cpu.pins.size() == 2U);
    BOOST_TEST(!get("web").runtime->pending);
    pin("web", 0, "all");
    BOOST_TEST(keeper().affinity == "1:5");
    BOOST_TEST((code_of([&] { pin("web", 2, "0"); }) == ErrorCode::not_found));
    BOOST_TEST((code_of([&] { pin("web", 0, "x"); }) == ErrorCode::usage));
    BOOST_TEST((code_of([&] { pin("web", 0, "node:77"); }) == ErrorCode::usage));
    auto faults = machine().faults();
    faults.objection = "the hypervisor schedules them";
    machine().set_faults(faults);
    BOOST_TEST(!error_of([&] { pin("web", 0, "1"); }).empty());
    faults.objection.clear();
    faults.fail_pin = "no such processor";
    machine().set_faults(faults);
    BOOST_TEST((code_of([&] { pin("web", 0, "1"); }) == ErrorCode::failed));
    BOOST_TEST(keeper().affinity == "1:5");
    BOOST_TEST(happened("partition.vcpus-not-pinned"));
    // What the keeper has is what is recorded: the next daemon finds nothing to do.
    faults.fail_pin.clear();
    machine().set_faults(faults);
    restart_daemon();
    pin("web", 0, "2");
    BOOST_TEST(keeper().affinity == "0:2 1:5");
    destroy("web");
    start("web");
    BOOST_TEST(keeper().affinity == "0:5 1:5"); // as the definition says
}

BOOST_AUTO_TEST_CASE(a_keeper_that_was_not_told_is_told_by_the_next_daemon) {
    create("web");
    pin("web", 0, "1");
    machine().set_probe([&](const std::string& point) {
        if (point == "pin.enter") {
            auto faults = machine().faults();
            faults.fail_pin = "it is silent";
            faults.mute_pins = true;
            machine().set_faults(faults);
        }
    });
    BOOST_TEST((code_of([&] { pin("web", 0, "2"); }) == ErrorCode::failed));
    machine().set_probe({});
    stop_daemon();
    auto faults = machine().faults();
    faults.fail_pin.clear();
    faults.mute_pins = false;
    machine().set_faults(faults);
    start_daemon();
    BOOST_TEST(machine().wait([](const FakeMachine::Keepers& keepers) {
        return keepers.begin()->second.affinity == "0:2";
    }));
}

BOOST_AUTO_TEST_CASE(lists_show_what_the_balloon_leaves) {
    create("web");
    BOOST_TEST(!get("web").runtime->memory.has_value());
    machine().balloon_moves(get("web").uuid, 90 * mib);
    const auto deadline = soon();
    while (get("web").runtime->memory != 90 * mib && !deadline.expired()) {
        (void)service().events(service().events(0, 1, {}, at_once()).last_seq, 1, {},
                               posix::Deadline::after(std::chrono::milliseconds(20)));
    }
    BOOST_TEST(get("web").runtime->memory.value() == static_cast<std::int64_t>(90 * mib));
}

BOOST_AUTO_TEST_CASE(a_disk_that_runs_gets_other_limits_and_keeps_them) {
    with_disk("web");
    BOOST_TEST(limits("web") == "- - -");
    limit("web", 500);
    BOOST_TEST(limits("web") == "500 500 -");
    BOOST_TEST(happened("partition.disk-limited"));
    restart_daemon();
    BOOST_TEST(limits("web") == "500 500 -");
    limit("web", 70, true, true);
    BOOST_TEST(limits("web") == "70 70 70");
    limit("web", 0, true);
    BOOST_TEST(limits("web") == "- - 70");
    destroy("web");
    limit("web", 90);
    BOOST_TEST(limits("web") == "- 90 90");
    api::SetDiskLimitsRequest other;
    other.target = "vdb";
    other.total_iops.emplace().per_second = 1;
    BOOST_TEST((code_of([&] {
                    service().set_disk_limits(by_name("web"), other, tester, at_once());
                }) == ErrorCode::not_found));
}

BOOST_AUTO_TEST_CASE(limits_exclude_each_other_and_faults_are_told) {
    with_disk("web");
    api::SetDiskLimitsRequest request;
    request.target = "vda";
    request.config = true;
    request.read_iops = api::IoLimitChange{10, 20, 3};
    request.write_bytes = api::IoLimitChange{1000, {}, {}};
    const auto told = [&] {
        service().set_disk_limits(by_name("web"), request, tester, at_once());
        return api::limits_text(
            service().definition(by_name("web"), {}).spec.devices.disks.front().iotune);
    };
    BOOST_TEST(told() == "write_bytes_sec=1000 read_iops_sec=10 read_iops_sec_max=20 "
                         "read_iops_sec_max_length=3");
    request = {};
    request.target = "vda";
    request.config = true;
    request.total_iops = api::IoLimitChange{30, {}, {}};
    BOOST_TEST(told() == "write_bytes_sec=1000 total_iops_sec=30");
    request.total_iops.reset();
    request.write_iops = api::IoLimitChange{5, {}, {}};
    BOOST_TEST(told() == "write_bytes_sec=1000 write_iops_sec=5");
    request.total_iops = api::IoLimitChange{30, {}, {}};
    BOOST_TEST((code_of(told) == ErrorCode::invalid)); // both at once
    request.total_iops.reset();
    request.write_iops = api::IoLimitChange{{}, 2, {}};
    BOOST_TEST((code_of(told) == ErrorCode::invalid)); // a burst below the rate
    request.write_iops = api::IoLimitChange{0, {}, {}};
    request.write_bytes = api::IoLimitChange{0, {}, {}};
    BOOST_TEST(told().empty());
}

BOOST_AUTO_TEST_CASE(what_a_vmm_refuses_of_limits_is_not_recorded) {
    with_disk("web");
    limit("web", 500);
    auto faults = machine().faults();
    faults.fail_limits = "no";
    machine().set_faults(faults);
    BOOST_TEST((code_of([&] { limit("web", 70); }) == ErrorCode::failed));
    BOOST_TEST(limits("web") == "500 500 -");
    BOOST_TEST(happened("partition.disk-limits-refused"));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace mshv::testing
