// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/qemu/qmp.hpp"
#include "daemon/vmm/qemu/settings.hpp"
#include "tests/unit/api/thrown.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace mshv;
using namespace mshv::vmm::qemu; // NOLINT: a test of that namespace
using testing::error_of;

constexpr std::uint64_t mib = 1024 * 1024;

} // namespace

BOOST_AUTO_TEST_SUITE(settings)

BOOST_AUTO_TEST_CASE(a_target_is_one_line_of_the_setup) {
    MakeUp now;
    now.setup = {R"({"execute":"set_link","arguments":{"name":"net0","up":false}})"};
    BOOST_TEST(!balloon_of(now).has_value());
    const auto less = with_balloon(now, 96 * mib);
    BOOST_TEST(less.setup.size() == 2U);
    BOOST_TEST(balloon_of(less).value() == 96 * mib);
    const auto other = with_balloon(less, 80 * mib);
    BOOST_TEST(other.setup.size() == 2U);
    BOOST_TEST(balloon_of(other).value() == 80 * mib);
    BOOST_TEST((with_balloon(other, std::nullopt).setup == now.setup));
}

BOOST_AUTO_TEST_CASE(a_plan_takes_what_was_set_since) {
    domain::LaunchPlan plan;
    plan.argv = {"qemu", "-device", R"({"driver":"virtio-balloon-pci","id":"balloon0"})"};
    plan.setup = {balloon_command(128 * mib)};
    api::PartitionSpec live;
    live.memory.size = 256 * mib;
    live.memory.current = 160 * mib;
    change_settings(plan, live);
    BOOST_TEST(plan.setup.size() == 1U);
    BOOST_TEST(plan.setup.front() == balloon_command(160 * mib));
    live.memory.current.reset();
    change_settings(plan, live);
    BOOST_TEST(plan.setup.empty());
    // Where there is no balloon none is asked.
    plan.argv = {"qemu"};
    live.memory.current = 160 * mib;
    change_settings(plan, live);
    BOOST_TEST(plan.setup.empty());
}

BOOST_AUTO_TEST_CASE(limits_of_a_disk_are_one_line_of_the_setup) {
    api::IoTune tune;
    tune.total_iops = api::IoLimit{500, 700, 3};
    tune.write_bytes = api::IoLimit{1000, 0, 0};
    const auto line = limits_command("disk0", tune);
    for (const char* part : {R"("execute":"block_set_io_throttle")", R"("id":"disk0")",
                             R"("iops":500)", R"("iops_max":700)", R"("iops_max_length":3)",
                             R"("bps_wr":1000)", R"("bps":0)", R"("iops_rd":0)"}) {
        BOOST_TEST(line.find(part) != std::string::npos, part << " in " << line);
    }
    BOOST_TEST(line.find("bps_wr_max") == std::string::npos, line); // QEMU refuses one of 0
    MakeUp now;
    // QEMU knows the blocks of a virtio device on PCI by what is inside it alone.
    now.argv = {"qemu", "-device", R"({"driver":"virtio-blk-pci","id":"disk0"})", "-device",
                R"({"driver":"ide-hd","id":"disk1"})"};
    now.setup = {balloon_command(96 * mib)};
    BOOST_TEST(limits_of(now).empty());
    const auto held = with_limits(with_limits(now, "disk1", tune), "disk0", tune);
    BOOST_TEST(held.setup.size() == 3U);
    BOOST_TEST(held.setup[1].find(R"("id":"disk1")") != std::string::npos);
    BOOST_TEST(held.setup[2].find(R"("id":"/machine/peripheral/disk0/virtio-backend")") !=
               std::string::npos);
    BOOST_TEST((limits_of(held).at("disk0") == tune));
    const auto freed = with_limits(held, "disk1", std::nullopt);
    BOOST_TEST(limits_of(freed).size() == 1U);
    tune.total_iops.reset();
    const auto other = with_limits(freed, "disk0", tune);
    BOOST_TEST(other.setup.size() == 2U);
    BOOST_TEST((limits_of(other).at("disk0") == tune));
    auto setup = other.setup;
    drop_limits(setup, "disk0");
    BOOST_TEST((setup == now.setup));
}

BOOST_AUTO_TEST_CASE(a_plan_takes_the_limits_that_were_set_since) {
    api::IoTune tune;
    tune.read_iops = api::IoLimit{9, 0, 0};
    domain::LaunchPlan plan;
    plan.argv = {"qemu", "-device", R"({"driver":"virtio-blk-pci","id":"disk0"})"};
    const auto line = limits_command(limited_id("virtio-blk-pci", "disk0"), tune);
    plan.setup = {line};
    api::PartitionSpec live;
    live.devices.disks.resize(2);
    live.devices.disks[0].alias = "disk0";
    live.devices.disks[1].alias = "disk1"; // not in this plan
    live.devices.disks[1].iotune = tune;
    change_settings(plan, live);
    BOOST_TEST(plan.setup.empty());
    live.devices.disks[0].iotune = tune;
    change_settings(plan, live);
    BOOST_TEST((plan.setup == std::vector{line}));
}

BOOST_AUTO_TEST_CASE(pins_are_one_text) {
    api::Cpu cpu;
    BOOST_TEST(affinity_of(cpu).empty());
    cpu.pins = {{0, "0-3"}, {2, "7"}};
    cpu.emulator_cpus = "1,5";
    BOOST_TEST(affinity_of(cpu) == "0:0-3 2:7 emulator:1,5");
    api::Cpu read;
    read_affinity(affinity_of(cpu), read);
    BOOST_TEST((read == cpu));
    read_affinity("", read);
    BOOST_TEST((read == api::Cpu{}));
    for (const char* wrong : {"x", "x:1", "-1:2", "0 1:2x:"}) {
        BOOST_TEST(error_of([&] { read_affinity(wrong, read); }).empty() == (wrong[0] == '0'));
    }
}

BOOST_AUTO_TEST_CASE(what_a_balloon_says) {
    BOOST_TEST(parse_balloon(R"({"return": {"actual": 167772160}})") == 160 * mib);
    BOOST_TEST(!error_of([] { parse_balloon(R"({"return": {"actual": -1}})"); }).empty());
    BOOST_TEST(!error_of([] { parse_balloon(R"({"return": {}})"); }).empty());
    BOOST_TEST(error_of([] {
                   parse_balloon(R"({"error": {"desc": "No balloon device"}})");
               }).find("No balloon device") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
