// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/qemu/makeup.hpp"
#include "daemon/vmm/qemu/migration.hpp"
#include "daemon/vmm/qemu/qmp.hpp"
#include "tests/unit/api/thrown.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>

namespace {

using namespace mshv;
using namespace mshv::vmm::qemu; // NOLINT: a test of that namespace
using testing::error_of;

api::Disk drive(const std::string& path) {
    api::Disk made;
    made.device = api::DiskDevice::cdrom;
    made.bus = api::DiskBus::sata;
    made.path = path;
    made.alias = "ua-cd";
    made.target = "sda";
    return made;
}

struct Running {
    PlanInput input;
    domain::LaunchPlan plan;
    MakeUp now;

    explicit Running(const std::string& medium) {
        auto& spec = input.spec;
        spec.name = "web";
        spec.uuid = api::parse_uuid("01234567-89ab-cdef-0123-456789abcdef");
        spec.memory.size = 256UL << 20U;
        api::Disk disk;
        disk.path = "/srv/disk.img";
        disk.alias = "disk0";
        disk.target = "vda";
        spec.devices.disks = {disk, drive(medium)};
        input.incarnation = "a1";
        input.program = "/usr/bin/qemu";
        input.accelerator = {api::Accelerator::tcg, "because"};
        input.folders = {"/run/mshv", "/var/log/mshv", "/var/lib/mshv"};
        plan = make_plan(input);
        now.argv = plan.argv;
        now.targets = {plan.monitor_target};
        for (const auto& file : plan.files) {
            now.targets.push_back(file.target);
        }
    }
    [[nodiscard]] MakeUp loaded(const MakeUp& from, const std::string& path) const {
        const auto medium = make_medium(from, input.spec, drive(path));
        return with_medium(with_addition(from, medium.addition), "ua-cd", medium.node);
    }
};

std::size_t count(const std::vector<std::string>& texts, const std::string& part) {
    return static_cast<std::size_t>(
        std::count_if(texts.begin(), texts.end(), [&](const std::string& text) {
            return text.find(part) != std::string::npos;
        }));
}

} // namespace

BOOST_AUTO_TEST_CASE(a_medium_is_read_only_and_of_the_format_that_was_said) {
    const Running running("");
    const auto medium = make_medium(running.now, running.input.spec, drive("/srv/a.iso"));
    BOOST_TEST(!nodes_of(running.now).contains(medium.node));
    BOOST_REQUIRE_EQUAL(medium.addition.files.size(), 1U);
    BOOST_TEST(medium.addition.files[0].file.path == "/srv/a.iso");
    BOOST_TEST(!medium.addition.files[0].file.writable);
    BOOST_REQUIRE_EQUAL(medium.addition.commands.size(), 2U); // no device
    for (const auto& command : medium.addition.commands) {
        BOOST_TEST(command.find(R"("execute":"blockdev-add")") != std::string::npos, command);
        BOOST_TEST(command.find(R"("read-only":true)") != std::string::npos, command);
    }
    BOOST_TEST(medium.addition.commands[1].find(R"("driver":"raw")") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(one_medium_takes_the_place_of_another_and_nothing_stays) {
    const Running running("/srv/first.iso");
    const auto first = drive_of(running.now, "ua-cd");
    BOOST_TEST(first == "disk1");
    const auto second = running.loaded(running.now, "/srv/second.iso");
    const auto node = drive_of(second, "ua-cd");
    BOOST_TEST(node != first);
    BOOST_TEST(drive_of(second, "disk0") == "disk0");
    BOOST_TEST(nodes_of(second).contains(node));
    BOOST_TEST(!nodes_of(second).contains(first));
    BOOST_TEST(second.targets.size() == running.now.targets.size());
    BOOST_TEST(second.argv.size() == running.now.argv.size());
    BOOST_TEST(drive_of(running.loaded(second, "/srv/third.iso"), "ua-cd") != node);
    const auto empty = with_medium(second, "ua-cd", {});
    BOOST_TEST(has_device(empty, "ua-cd"));
    BOOST_TEST(drive_of(empty, "ua-cd").empty());
    BOOST_TEST((empty.argv == with_medium(running.now, "ua-cd", {}).argv));
    BOOST_TEST(empty.targets.size() + 1 == running.now.targets.size());
    BOOST_TEST((running.loaded(empty, "/srv/second.iso").argv.size() == second.argv.size()));
}

// A disk that is leaving has its file in the VMM still, and in no make-up any more.
BOOST_AUTO_TEST_CASE(its_file_meets_none_that_the_vmm_has) {
    const Running running("");
    auto now = running.now;
    now.next_set = 7;
    const auto medium = make_medium(now, running.input.spec, drive("/srv/a.iso"));
    BOOST_TEST(medium.addition.files.at(0).set == 7);
    BOOST_TEST(
        make_medium(running.now, running.input.spec, drive("/srv/a.iso")).addition.files.at(0).set <
        7);
}

// It is no part of the machine: a guest is saved with one and restored with that.
BOOST_AUTO_TEST_CASE(a_plan_for_a_guest_whose_medium_has_changed) {
    for (const std::string before : {"", "/srv/first.iso"}) {
        for (const std::string after : {"", "/srv/second.iso"}) {
            const Running running(before);
            auto live = running.input.spec;
            live.devices.disks[1] = drive(after);
            auto plan = running.plan;
            change_devices(plan, running.input, live, {});
            const MakeUp made{plan.argv, {}, {}, 1, 1};
            BOOST_TEST(drive_of(made, "ua-cd").empty() == after.empty());
            BOOST_TEST((guest_visible(plan.argv) == guest_visible(running.plan.argv)));
            BOOST_TEST(plan.files.size() == (after.empty() ? 1U : 2U));
            BOOST_TEST(plan.files.back().path == (after.empty() ? "/srv/disk.img" : after));
            BOOST_TEST(count(plan.argv, "/dev/fdset/") == plan.files.size());
        }
    }
}

BOOST_AUTO_TEST_CASE(what_a_vmm_says_of_a_drive) {
    const std::string line =
        R"({"return": [{"device": "", "locked": false, "removable": false, "qdev": "disk0",)"
        R"( "inserted": {"node-name": "disk0"}, "type": "unknown"},)"
        R"( {"device": "", "locked": true, "removable": true, "qdev": "ua-cd",)"
        R"( "inserted": {"node-name": "medium3"}, "tray_open": false, "type": "unknown"},)"
        R"( {"device": "", "locked": false, "removable": true, "qdev": "cd1", "tray_open": true}]})";
    const auto loaded = parse_drive(line, "ua-cd");
    BOOST_TEST(loaded.node == "medium3");
    BOOST_TEST(loaded.locked);
    BOOST_TEST(!loaded.tray_open);
    const auto empty = parse_drive(line, "cd1");
    BOOST_TEST(empty.node.empty());
    BOOST_TEST(empty.tray_open);
    BOOST_TEST(error_of([&] { parse_drive(line, "disk0"); }).find("no drive") != std::string::npos);
    BOOST_TEST(error_of([&] { parse_drive(line, "other"); }).find("no drive") != std::string::npos);
    BOOST_TEST(!error_of([&] { parse_drive(R"({"return": {}})", "cd1"); }).empty());
}
