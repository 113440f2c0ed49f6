// SPDX-License-Identifier: Apache-2.0
#include "daemon/domain/tap_name.hpp"
#include "daemon/vmm/qemu/builder.hpp"
#include "daemon/vmm/qemu/makeup.hpp"
#include "tests/unit/api/thrown.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>

namespace {

using namespace mshv;
using namespace mshv::vmm::qemu; // NOLINT: a test of that namespace
using testing::error_of;

api::Disk disk(const std::string& alias, const std::string& target) {
    api::Disk made;
    made.path = "/srv/" + alias + ".img";
    made.alias = alias;
    made.target = target;
    return made;
}

struct Running {
    api::PartitionSpec spec;
    PlanInput input;
    domain::LaunchPlan plan;
    MakeUp now;

    explicit Running(api::Machine machine = api::Machine::q35, std::size_t disks = 2) {
        spec.name = "web";
        spec.uuid = api::parse_uuid("01234567-89ab-cdef-0123-456789abcdef");
        spec.memory.size = 256UL << 20U;
        spec.boot.machine = machine;
        for (std::size_t i = 0; i < disks; ++i) {
            spec.devices.disks.push_back(
                disk("disk" + std::to_string(i), std::string("vd") + static_cast<char>('a' + i)));
        }
        input.spec = spec;
        input.incarnation = "a1";
        input.program = "/usr/bin/qemu";
        input.accelerator = {api::Accelerator::tcg, "because"};
        input.folders = {"/run/mshv", "/var/log/mshv", "/var/lib/mshv"};
        plan = make_plan(input);
        now.argv = plan.argv;
        now.setup = plan.setup;
        now.targets = {plan.monitor_target};
        for (const auto& file : plan.files) {
            now.targets.push_back(file.target);
        }
    }
};

api::Nic nic(const std::string& alias, char last, const std::string& bridge = {}) {
    api::Nic made;
    made.alias = alias;
    made.mac = std::string("52:54:00:00:00:0") + last;
    made.source = bridge.empty() ? api::NicSource::user : api::NicSource::bridge;
    made.bridge = bridge;
    made.target = bridge.empty() ? "" : "tap-" + alias;
    return made;
}

std::size_t count(const std::vector<std::string>& texts, const std::string& part) {
    return static_cast<std::size_t>(
        std::count_if(texts.begin(), texts.end(), [&](const std::string& text) {
            return text.find(part) != std::string::npos;
        }));
}

} // namespace

BOOST_AUTO_TEST_CASE(a_disk_comes_with_its_limits_and_takes_them_along) {
    const Running running;
    auto limited = disk("data", "vdc");
    limited.iotune.emplace().total_iops = api::IoLimit{500, 0, 0};
    const auto addition = add_disk(running.now, running.spec, limited);
    BOOST_REQUIRE(!addition.commands.empty());
    BOOST_TEST(addition.commands.back().find(R"("iops":500)") != std::string::npos);
    const auto after = with_addition(running.now, addition);
    BOOST_TEST(count(after.setup, "block_set_io_throttle") == 1U);
    BOOST_TEST(count(without_device(after, "disk0").setup, "block_set_io_throttle") == 1U);
    BOOST_TEST((without_device(after, "data").setup == running.now.setup));
}

BOOST_AUTO_TEST_CASE(a_disk_comes_and_goes_and_nothing_stays) {
    const Running running;
    const auto added = add_disk(running.now, running.spec, disk("ua-data", "vdc"));
    BOOST_REQUIRE_EQUAL(added.files.size(), 1U);
    BOOST_TEST(added.files[0].file.path == "/srv/ua-data.img");
    BOOST_TEST(!sets_of(running.now).contains(added.files[0].set));
    const int target = added.files[0].file.target;
    BOOST_TEST(std::count(running.now.targets.begin(), running.now.targets.end(), target) == 0);
    BOOST_REQUIRE_EQUAL(added.commands.size(), 3U); // file, format, device
    BOOST_TEST(added.commands[0].find("blockdev-add") != std::string::npos);
    BOOST_TEST(added.commands[2].find(R"("execute":"device_add")") != std::string::npos);
    BOOST_TEST(added.commands[2].find(R"("id":"ua-data")") != std::string::npos);
    const auto more = with_addition(running.now, added);
    BOOST_TEST(has_device(more, "ua-data"));
    BOOST_TEST(!has_device(running.now, "ua-data"));
    BOOST_TEST(more.targets.back() == target);
    const auto less = without_device(more, "ua-data");
    BOOST_TEST((less.argv == running.now.argv));
    BOOST_TEST((less.targets == running.now.targets));
}

BOOST_AUTO_TEST_CASE(a_disk_from_the_start_goes_with_its_blocks_and_files_alone) {
    const Running running(api::Machine::q35, 12); // disk1 is not disk10
    const auto less = without_device(running.now, "disk1");
    BOOST_TEST(!has_device(less, "disk1"));
    BOOST_TEST(has_device(less, "disk10"));
    BOOST_TEST(count(less.argv, R"("node-name":"disk1")") == 0U);
    BOOST_TEST(count(less.argv, R"("node-name":"disk1-file")") == 0U);
    BOOST_TEST(count(less.argv, R"("node-name":"disk10")") == 1U);
    BOOST_TEST(less.targets.size() + 1 == running.now.targets.size());
    BOOST_TEST(running.now.argv.size() - less.argv.size() == 8U); // add-fd, two blocks, device
    // The next one takes its place, names and all.
    const auto again = add_disk(less, running.spec, disk("disk1", "vdb"));
    BOOST_TEST(count(again.argv, R"("node-name":"disk1")") == 1U);
}

BOOST_AUTO_TEST_CASE(only_so_many_ports_stand_empty) {
    const Running running;
    MakeUp now = running.now;
    std::set<std::string> buses;
    for (unsigned i = 0; i < spare_ports; ++i) {
        const auto added = add_disk(
            now, running.spec,
            disk("more" + std::to_string(i), std::string("vd") + static_cast<char>('c' + i)));
        const auto& device = added.argv.back();
        buses.insert(device.substr(device.find("\"bus\""), 12));
        now = with_addition(now, added);
    }
    BOOST_TEST(buses.size() == spare_ports);
    const auto text = error_of([&] { add_disk(now, running.spec, disk("last", "vdz")); });
    BOOST_TEST(text.find("No PCIe port") != std::string::npos, text);
    const auto freed = without_device(now, "more0");
    BOOST_TEST(error_of([&] { add_disk(freed, running.spec, disk("last", "vdz")); }).empty());
}

BOOST_AUTO_TEST_CASE(what_cannot_come_is_refused_with_the_reason) {
    const auto refused = [](const Running& running, const api::Disk& wanted) {
        return error_of([&] { add_disk(running.now, running.spec, wanted); });
    };
    BOOST_TEST(refused(Running(api::Machine::microvm, 0), disk("d", "vda")).find("microvm") !=
               std::string::npos);
    auto sata = disk("d", "sda");
    sata.bus = api::DiskBus::sata;
    BOOST_TEST(refused(Running(), sata).find("sata bus") != std::string::npos);
    Running deaf;
    deaf.spec.acpi = false;
    BOOST_TEST(refused(deaf, disk("d", "vdc")).find("ACPI") != std::string::npos);
    BOOST_TEST(refused(Running(), disk("disk0", "vdc")).find("disk0") != std::string::npos);
    // An i440fx has no ports: its bus takes what comes.
    BOOST_TEST(refused(Running(api::Machine::pc), disk("d", "vdc")).empty());
}

BOOST_AUTO_TEST_CASE(backing_files_come_and_go_with_their_disk) {
    const Running running;
    auto top = disk("top", "vdc");
    top.format = api::DiskFormat::qcow2;
    top.backing = {{"/srv/middle", api::DiskFormat::qcow2}, {"/srv/base", api::DiskFormat::raw}};
    const auto added = add_disk(running.now, running.spec, top);
    BOOST_REQUIRE_EQUAL(added.files.size(), 3U);
    BOOST_TEST(added.files[0].file.path == "/srv/base");
    BOOST_TEST(added.files[2].file.path == "/srv/top.img");
    const auto more = with_addition(running.now, added);
    BOOST_TEST((without_device(more, "top").argv == running.now.argv));
    BOOST_TEST((nodes_of(more).size() == nodes_of(running.now).size() + 6));
}

// A saved guest needs its devices where they stood, whatever has come and gone meanwhile.
BOOST_AUTO_TEST_CASE(a_plan_for_a_guest_whose_disks_have_changed) {
    const Running running;
    auto now = without_device(running.now, "disk0"); // its port is free now, the first of all
    const auto first = add_disk(now, running.spec, disk("ua-first", "vdc"));
    now = with_addition(now, first);
    now = with_addition(now, add_disk(now, running.spec, disk("ua-second", "vdd")));
    now = without_device(now, "ua-first");
    auto live = running.spec;
    live.devices.disks = {disk("disk1", "vdb"), disk("ua-second", "vdd")};
    const auto buses = buses_of(now);
    auto plan = running.plan;
    plan.readable_paths.push_back({"/the/kernel", plan.argv.size()});
    plan.argv.emplace_back("/the/kernel");
    change_devices(plan, running.input, live, buses);
    const MakeUp made{plan.argv, {}, {}, 1};
    BOOST_TEST((buses_of(made) == buses));
    BOOST_TEST(buses.at("ua-second") != buses_of(running.now).at("disk0"));
    BOOST_TEST(plan.argv.at(plan.readable_paths.back().argument) == "/the/kernel");
    BOOST_REQUIRE_EQUAL(plan.files.size(), 2U);
    BOOST_TEST(plan.files[0].path == "/srv/disk1.img");
    BOOST_TEST(plan.files[1].path == "/srv/ua-second.img");
    BOOST_TEST(plan.files[0].target != plan.files[1].target);
    // One that it is not known of where it stood, or that stood where another does, is refused.
    auto other = running.plan;
    BOOST_TEST(!error_of([&] { change_devices(other, running.input, live, {}); }).empty());
    other = running.plan;
    const auto taken = std::map<std::string, std::string>{{"ua-second", buses.at("disk1")}};
    BOOST_TEST(!error_of([&] { change_devices(other, running.input, live, taken); }).empty());
}

BOOST_AUTO_TEST_CASE(an_interface_comes_with_its_tap_and_goes_and_nothing_stays) {
    const Running running;
    auto wanted = nic("net0", '1', "br0");
    wanted.link_up = false;
    const auto added = add_nic(running.now, running.spec, wanted);
    BOOST_TEST(added.files.empty());
    BOOST_REQUIRE_EQUAL(added.taps.size(), 1U);
    BOOST_TEST(added.taps[0].tap.name == "tap-net0");
    BOOST_TEST(added.taps[0].tap.bridge == "br0");
    BOOST_TEST(!added.taps[0].tap.link_up);
    const int target = added.taps[0].tap.target;
    BOOST_TEST(std::count(running.now.targets.begin(), running.now.targets.end(), target) == 0);
    // The present VMM knows the tap by its name, later ones by its number.
    BOOST_REQUIRE_EQUAL(added.commands.size(), 3U);
    BOOST_TEST(
        added.commands[0] ==
        R"({"execute":"netdev_add","arguments":{"type":"tap","id":"net0.net","fd":"net0"}})");
    BOOST_TEST(count(added.argv, R"("fd":")" + std::to_string(target) + '"') == 1U);
    BOOST_TEST(added.commands[1].find(R"("execute":"device_add")") != std::string::npos);
    BOOST_TEST(added.commands[2] ==
               R"({"execute":"set_link","arguments":{"name":"net0.net","up":false}})");
    const auto more = with_addition(running.now, added);
    BOOST_TEST(more.targets.back() == target);
    BOOST_TEST(backend_of(more, "net0") == "net0.net");
    BOOST_TEST(count(more.setup, "set_link") == 1U);
    BOOST_TEST((with_link(more, "net0.net", true).setup == running.now.setup));
    BOOST_TEST(
        (with_link(with_link(more, "net0.net", true), "net0.net", false).setup == more.setup));
    const auto less = without_device(more, "net0");
    BOOST_TEST((less.argv == running.now.argv));
    BOOST_TEST((less.targets == running.now.targets));
    BOOST_TEST((less.setup == running.now.setup));
}

BOOST_AUTO_TEST_CASE(interfaces_that_are_refused) {
    const auto refused = [](const Running& running, const api::Nic& wanted) {
        return error_of([&] { add_nic(running.now, running.spec, wanted); });
    };
    auto old = nic("net0", '1');
    old.model = api::NicModel::rtl8139;
    BOOST_TEST(refused(Running(), old).find("rtl8139") != std::string::npos);
    BOOST_TEST(refused(Running(api::Machine::pc), old).empty());
    old.model = api::NicModel::e1000e;
    BOOST_TEST(refused(Running(), old).empty());
    BOOST_TEST(refused(Running(api::Machine::microvm, 0), nic("net0", '1')).find("microvm") !=
               std::string::npos);
    BOOST_TEST(refused(Running(), nic("disk0", '1')).find("disk0") != std::string::npos);
    Running deaf;
    deaf.spec.acpi = false;
    BOOST_TEST(refused(deaf, nic("net0", '1')).find("ACPI") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_plan_for_a_guest_whose_interfaces_have_changed) {
    Running running;
    running.input.id = 7;
    running.input.spec.devices.nics = {nic("net0", '1', "br0"), nic("net1", '2', "br0")};
    running.spec = running.input.spec;
    running.plan = make_plan(running.input);
    MakeUp now{running.plan.argv, running.plan.setup, {}, 1};
    for (const auto& tap : running.plan.taps) {
        now.targets.push_back(tap.target);
    }
    now = without_device(now, "net0");
    auto more = nic("net2", '3', "br1");
    more.target.clear();
    now = with_addition(now, add_nic(now, running.spec, nic("net2", '3', "br1")));
    auto live = running.spec;
    live.devices.nics = {nic("net1", '2', "br0"), more};
    live.devices.nics[0].link_up = false;
    auto plan = running.plan;
    change_devices(plan, running.input, live, buses_of(now));
    const MakeUp made{plan.argv, plan.setup, {}, 1};
    BOOST_TEST((buses_of(made) == buses_of(now)));
    BOOST_REQUIRE_EQUAL(plan.taps.size(), 2U);
    BOOST_TEST(plan.taps[0].name == "tap-net1");
    BOOST_TEST(!plan.taps[0].link_up);
    BOOST_TEST(plan.taps[1].name == "mshv7.2");
    BOOST_TEST(plan.taps[1].bridge == "br1");
    BOOST_TEST(plan.taps[0].target != plan.taps[1].target);
    BOOST_TEST(count(plan.setup, "set_link") == 1U);
}

BOOST_AUTO_TEST_CASE(a_tap_keeps_its_name_whatever_comes_and_goes) {
    auto lan = nic("net4", '5', "br0");
    BOOST_TEST(domain::tap_name(7, lan) == "tap-net4");
    lan.target.clear();
    BOOST_TEST(domain::tap_name(7, lan) == "mshv7.4");
    lan.alias = "ua-lan";
    BOOST_TEST(domain::tap_name(7, lan) == "mshv7.000005");
    BOOST_TEST(domain::tap_name(1'234'567, lan) == "mshv1234567.005");
}
