// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/qemu/builder.hpp"
#include "daemon/vmm/qemu/planner.hpp"
#include "tests/unit/api/thrown.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <functional>

namespace {

using namespace mshv;
using namespace mshv::vmm::qemu; // NOLINT: a test of that namespace
using testing::error_of;

PlanInput input() {
    PlanInput result;
    result.spec.name = "web1";
    result.spec.uuid = api::parse_uuid("01234567-89ab-cdef-0123-456789abcdef");
    result.spec.memory.size = 256UL << 20U;
    result.id = 7;
    result.incarnation = "a1";
    result.program = "/usr/bin/qemu";
    result.version = {7, 2, 22};
    result.accelerator = {api::Accelerator::tcg, "because"};
    result.folders = {"/run/mshv", "/var/log/mshv", "/var/lib/mshv"};
    return result;
}

/// The one of input().
Capabilities capabilities() {
    Capabilities result;
    result.program = "/usr/bin/qemu";
    result.version = {7, 2, 22};
    result.machines = {"q35", "pc", "microvm"};
    result.cpu_models = {"max", "Nehalem"};
    return result;
}

/// The value behind option `name`; empty when it is not there.
std::string value(const domain::LaunchPlan& plan, const std::string& name) {
    const auto found = std::find(plan.argv.begin(), plan.argv.end(), name);
    return found == plan.argv.end() || found + 1 == plan.argv.end() ? "" : *(found + 1);
}

std::size_t count(const domain::LaunchPlan& plan, const std::string& text) {
    return static_cast<std::size_t>(
        std::count_if(plan.argv.begin(), plan.argv.end(), [&](const std::string& argument) {
            return argument.find(text) != std::string::npos;
        }));
}

std::vector<std::string> places(const std::vector<api::Problem>& problems) {
    std::vector<std::string> result;
    for (const auto& problem : problems) {
        result.push_back(problem.where);
    }
    return result;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_plain_partition) {
    const auto plan = make_plan(input());
    BOOST_TEST(plan.program == "/usr/bin/qemu");
    BOOST_TEST(plan.argv.front() == "/usr/bin/qemu");
    BOOST_TEST(plan.run_dir == "/run/mshv/01234567-89ab-cdef-0123-456789abcdef/a1");
    BOOST_TEST(plan.vmm_version == "qemu 7.2.22");
    BOOST_TEST(value(plan, "-name") == "guest=web1,process=mshv-web1,debug-threads=on");
    BOOST_TEST(value(plan, "-accel") == "tcg,tb-size=64");
    BOOST_TEST(value(plan, "-cpu") == "max");
    BOOST_TEST(value(plan, "-m") == "256M");
    BOOST_TEST(value(plan, "-smp") == "cpus=1,maxcpus=1");
    BOOST_TEST(value(plan, "-rtc") == "base=utc");
    BOOST_TEST(value(plan, "-action") ==
               "reboot=shutdown,shutdown=pause,panic=pause,watchdog=pause");
    BOOST_TEST(value(plan, "-sandbox") ==
               "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
    BOOST_TEST(plan.argv.back() == "-S");
    BOOST_TEST(plan.monitor_target == 3);
    BOOST_TEST(count(plan, "-accel") == 1U);
    for (const char* option : {"-nodefaults", "-no-user-config", "-msg"}) {
        BOOST_TEST(count(plan, option) == 1U, option);
    }
}

BOOST_AUTO_TEST_CASE(mshv_gets_one_accelerator_the_vm_clock_and_no_balloon) {
    auto in = input();
    in.accelerator.accelerator = api::Accelerator::mshv;
    const auto plan = make_plan(in);
    BOOST_TEST(value(plan, "-accel") == "mshv");
    BOOST_TEST(value(plan, "-cpu") == "host");
    BOOST_TEST(value(plan, "-rtc") == "base=utc,clock=vm");
    BOOST_TEST(count(plan, "virtio-balloon") == 0U);
    BOOST_TEST(count(make_plan(input()), "virtio-balloon") == 1U);
}

BOOST_AUTO_TEST_CASE(disks_are_descriptors_and_formats_are_declared) {
    auto in = input();
    api::Disk disk;
    disk.path = "/images/a.qcow2";
    disk.format = api::DiskFormat::qcow2;
    disk.backing = {{"/images/b.qcow2", api::DiskFormat::qcow2}, {"/images/c.img", {}}};
    disk.discard = true;
    in.spec.devices.disks.push_back(disk);
    disk.format = api::DiskFormat::raw;
    disk.backing.clear();
    disk.source = api::DiskSource::block;
    disk.path = "/dev/vg/x";
    disk.read_only = true;
    disk.cache = api::DiskCache::writethrough;
    in.spec.devices.disks.push_back(disk);
    const auto plan = make_plan(in);
    BOOST_REQUIRE_EQUAL(plan.files.size(), 4U);
    BOOST_TEST(plan.files[0].path == "/images/c.img"); // the farthest first
    BOOST_TEST(!plan.files[0].backing);
    BOOST_TEST(plan.files[1].backing);
    BOOST_TEST(!plan.files[1].writable);
    BOOST_TEST(plan.files[2].path == "/images/a.qcow2");
    BOOST_TEST(plan.files[2].writable);
    BOOST_TEST(plan.files[2].direct);
    BOOST_TEST(plan.files[3].block_device);
    BOOST_TEST(!plan.files[3].writable);
    BOOST_TEST(!plan.files[3].direct);
    // No path of a disk reaches QEMU, and every format is named.
    BOOST_TEST(count(plan, "/images/") == 0U);
    BOOST_TEST(count(plan, "/dev/vg") == 0U);
    BOOST_TEST(count(plan, R"("driver":"qcow2")") == 2U);
    BOOST_TEST(count(plan, R"("backing":"disk0-back0")") == 1U);
    BOOST_TEST(count(plan, R"("backing":"disk0-back1")") == 1U);
    BOOST_TEST(count(plan, R"("driver":"host_device")") == 1U);
    BOOST_TEST(count(plan, R"("write-cache":"off")") == 1U);
    std::vector<int> targets{plan.monitor_target};
    for (const auto& file : plan.files) {
        targets.push_back(file.target);
    }
    std::sort(targets.begin(), targets.end());
    BOOST_TEST((std::adjacent_find(targets.begin(), targets.end()) == targets.end()));
}

BOOST_AUTO_TEST_CASE(an_image_without_a_declared_backing_file_gets_none) {
    auto in = input();
    api::Disk disk;
    disk.path = "/images/a.qcow2";
    disk.format = api::DiskFormat::qcow2;
    in.spec.devices.disks.push_back(disk);
    BOOST_TEST(count(make_plan(in), R"("backing":null)") == 1U);
}

BOOST_AUTO_TEST_CASE(boot_order_by_device_or_by_kind) {
    auto in = input();
    api::Disk disk;
    disk.path = "/a";
    api::Disk drive;
    drive.device = api::DiskDevice::cdrom;
    drive.bus = api::DiskBus::sata;
    drive.path = "/b";
    api::Nic nic;
    nic.mac = "52:54:00:00:00:01";
    in.spec.devices.disks = {disk, drive};
    in.spec.devices.nics = {nic};
    const auto by_default = make_plan(in);
    BOOST_TEST(count(by_default, R"("driver":"virtio-blk-pci")") == 1U);
    BOOST_TEST(count(by_default, R"("bootindex":1)") == 1U);
    BOOST_TEST(count(by_default, R"("bootindex":2)") == 1U);
    BOOST_TEST(count(by_default, R"("romfile":"")") == 1U);
    in.spec.boot.order = {api::BootDevice::network, api::BootDevice::cdrom};
    const auto by_kind = make_plan(in);
    BOOST_TEST(count(by_kind, R"("mac":"52:54:00:00:00:01","bootindex":1)") == 1U);
    BOOST_TEST(count(by_kind, R"("romfile":"")") == 0U);
    in.spec.devices.disks[0].boot_order = 3;
    BOOST_TEST(count(make_plan(in), "bootindex") == 1U);
}

BOOST_AUTO_TEST_CASE(a_kernel_and_its_command_line) {
    auto in = input();
    in.spec.boot.kernel = "/boot/vmlinuz";
    in.spec.boot.initrd = "/boot/initrd";
    in.spec.boot.cmdline = "-kernel ,x=y \"z\"";
    in.boot.kernel = "/cache/vmlinux";
    in.boot.qboot = "/usr/share/qemu/qboot.rom";
    const auto plan = make_plan(in);
    BOOST_TEST(value(plan, "-kernel") == "/cache/vmlinux");
    BOOST_TEST(value(plan, "-append") == in.spec.boot.cmdline);
    BOOST_TEST(value(plan, "-bios") == "/usr/share/qemu/qboot.rom");
    BOOST_REQUIRE_EQUAL(plan.readable_paths.size(), 3U);
    for (const auto& entry : plan.readable_paths) {
        BOOST_TEST(plan.argv.at(entry.argument) == entry.path);
    }
}

BOOST_AUTO_TEST_CASE(efi_reads_its_code_and_keeps_its_own_variables) {
    auto in = input();
    in.spec.boot.firmware = api::Firmware::efi;
    in.boot.efi_code = "/usr/share/OVMF/OVMF_CODE.fd";
    in.boot.efi_vars_template = "/usr/share/OVMF/OVMF_VARS.fd";
    const auto plan = make_plan(in);
    BOOST_TEST(value(plan, "-machine").find(",pflash0=efi-code,pflash1=efi-vars") !=
               std::string::npos);
    BOOST_REQUIRE_EQUAL(plan.files.size(), 2U);
    BOOST_TEST(!plan.files[0].writable);
    BOOST_TEST(plan.files[1].writable);
    BOOST_TEST(plan.files[1].path == "/var/lib/mshv/nvram/01234567-89ab-cdef-0123-456789abcdef.fd");
    BOOST_REQUIRE_EQUAL(plan.copies.size(), 1U);
    BOOST_TEST(plan.copies[0].to == plan.files[1].path);
}

BOOST_AUTO_TEST_CASE(a_bridged_nic_is_a_descriptor) {
    auto in = input();
    api::Nic nic;
    nic.source = api::NicSource::bridge;
    nic.bridge = "br0";
    nic.mac = "52:54:00:00:00:01";
    nic.mtu = 1400;
    nic.vlan = 7;
    nic.inbound = api::NicRate{500, 0, 0};
    in.spec.devices.nics = {nic};
    const auto plan = make_plan(in);
    BOOST_REQUIRE_EQUAL(plan.taps.size(), 1U);
    BOOST_TEST(plan.taps[0].name == "mshv7.0");
    BOOST_TEST(plan.taps[0].bridge == "br0");
    BOOST_TEST(plan.taps[0].vlan.value() == 7U);
    BOOST_TEST(plan.taps[0].inbound->average == 500U);
    BOOST_TEST(!plan.taps[0].outbound.has_value());
    BOOST_TEST(count(plan, "\"fd\":\"" + std::to_string(plan.taps[0].target) + "\"") == 1U);
    BOOST_TEST(count(plan, "br0") == 0U);
}

BOOST_AUTO_TEST_CASE(smbios_text_cannot_leave_its_field) {
    auto in = input();
    in.spec.smbios = {{"system", "serial", "1,file=/etc/shadow"},
                      {"system", "sku", "x"},
                      {"oemStrings", "", "a,value=b"}};
    const auto plan = make_plan(in);
    BOOST_TEST(value(plan, "-smbios") == "type=1,serial=1,,file=/etc/shadow,sku=x");
    BOOST_TEST(count(plan, "type=11,value=a,,value=b") == 1U);
    in.spec.smbios = {{"system", "serial,file", "x"}};
    BOOST_TEST(!error_of([&] { make_plan(in); }).empty());
}

BOOST_AUTO_TEST_CASE(what_could_not_be_carried_unchanged_is_refused) {
    const auto refused = [](const std::function<void(PlanInput&)>& change) {
        auto in = input();
        change(in);
        return !error_of([&] { make_plan(in); }).empty();
    };
    BOOST_TEST(refused([](auto& in) { in.spec.name = "a,process=b"; }));
    BOOST_TEST(refused([](auto& in) { in.spec.uuid.reset(); }));
    BOOST_TEST(refused([](auto& in) { in.incarnation = "../x"; }));
    BOOST_TEST(refused([](auto& in) { in.folders.run_dir = "/run/a,b"; }));
    BOOST_TEST(refused([](auto& in) { in.spec.memory.size = 1000; }));
    BOOST_TEST(refused([](auto& in) { in.spec.cpu.features = {{"x,y", {}}}; }));
    BOOST_TEST(refused([](auto& in) {
        in.spec.cpu.mode = api::CpuMode::custom;
        in.spec.cpu.model = "max,+x";
    }));
    BOOST_TEST(refused([](auto& in) { in.spec.boot.kernel = in.boot.kernel = "relative"; }));
    BOOST_TEST(refused([](auto& in) {
        api::Disk disk;
        disk.path = "/a";
        disk.alias = "ua-\"x";
        in.spec.devices.disks = {disk};
    }));
}

BOOST_AUTO_TEST_CASE(what_has_no_option_is_done_by_the_monitor) {
    auto in = input();
    BOOST_TEST(make_plan(in).setup.empty());
    in.spec.memory.current = in.spec.memory.size / 2;
    api::Nic nic;
    nic.source = api::NicSource::user;
    nic.mac = "52:54:00:00:00:01";
    in.spec.devices.nics = {nic, nic};
    in.spec.devices.nics[1].link_up = false;
    const auto plan = make_plan(in);
    const std::vector<std::string> wanted{
        R"({"execute":"set_link","arguments":{"name":"net1.net","up":false}})",
        R"({"execute":"balloon","arguments":{"value":)" + std::to_string(in.spec.memory.size / 2) +
            "}}"};
    BOOST_TEST(plan.setup == wanted, boost::test_tools::per_element());
    const auto found = objections(in.spec, capabilities(), api::Accelerator::mshv);
    BOOST_TEST(places(found) == std::vector<std::string>{"/spec/memory/current"},
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(every_objection_comes_at_once) {
    auto in = input();
    auto& spec = in.spec;
    spec.cpu.mode = api::CpuMode::host_passthrough;
    spec.memory.current = spec.memory.size / 2;
    spec.devices.balloon = false;
    api::Disk disk;
    disk.io = api::DiskIo::native;
    disk.cache = api::DiskCache::writeback;
    spec.devices.disks = {disk};
    api::Nic nic;
    nic.queues = 4;
    spec.devices.nics = {nic};
    spec.devices.video = api::VideoModel::virtio;
    const auto found = places(objections(spec, capabilities(), api::Accelerator::tcg));
    const std::vector<std::string> wanted{"/spec/cpu/mode",
                                          "/spec/memory/current",
                                          "/spec/devices/disks/0/io",
                                          "/spec/devices/disks/0/path",
                                          "/spec/devices/nics/0/queues",
                                          "/spec/devices/video"};
    BOOST_TEST(found == wanted, boost::test_tools::per_element());
    BOOST_TEST(objections(input().spec, capabilities(), api::Accelerator::tcg).empty());
}

BOOST_AUTO_TEST_CASE(microvm_has_no_pci) {
    auto in = input();
    in.spec.boot.machine = api::Machine::microvm;
    in.spec.devices.panic = false;
    in.spec.boot.kernel = in.boot.kernel = "/boot/vmlinux";
    in.spec.boot.cmdline = "quiet";
    in.tsc_khz = 2'600'000;
    api::Disk disk;
    disk.path = "/a";
    in.spec.devices.disks = {disk};
    const auto plan = make_plan(in);
    BOOST_TEST(count(plan, "-pci") == 0U);
    BOOST_TEST(count(plan, R"("driver":"virtio-blk-device")") == 1U);
    BOOST_TEST(value(plan, "-append") == "quiet tsc_early_khz=2600000");
    in.spec.devices.tablet = true;
    BOOST_TEST(places(objections(in.spec, capabilities(), api::Accelerator::tcg)) ==
                   std::vector<std::string>{"/spec/devices/tablet"},
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(many_devices_get_ports_and_too_many_are_refused) {
    auto in = input();
    api::Disk disk;
    disk.path = "/a";
    in.spec.devices.disks.assign(40, disk);
    const auto plan = make_plan(in);
    BOOST_TEST(count(plan, "pcie-root-port") == 40U + spare_ports);
    BOOST_TEST(count(plan, R"("addr":"10.0")") == 1U);
    BOOST_TEST(count(plan, R"("addr":"14.7")") == 1U);
    in.spec.devices.disks.assign(120, disk); // as many as there are ports: none stands empty
    BOOST_TEST(count(make_plan(in), "pcie-root-port") == 120U);
    in.spec.devices.disks.assign(200, disk);
    BOOST_TEST(!error_of([&] { make_plan(in); }).empty());
}

BOOST_AUTO_TEST_CASE(a_seed_is_a_disk_behind_all_others) {
    auto with = input();
    with.spec.devices.nics.emplace_back();
    with.spec.devices.nics[0].mac = "52:54:00:00:00:01";
    const auto without = make_plan(with);
    with.spec.cloud_init.emplace().user_data = api::SeedDocument{"text", {}};
    const auto plan = make_plan(with);
    BOOST_REQUIRE(plan.seed.has_value());
    BOOST_TEST(plan.seed->path == plan.run_dir + "/seed.iso");
    BOOST_REQUIRE(plan.seed->files.size() == 2U);
    BOOST_TEST(plan.seed->files[0].document.text == "text");
    BOOST_TEST(plan.seed->files[1].document.text ==
               "instance-id: 01234567-89ab-cdef-0123-456789abcdef\nlocal-hostname: \"web1\"\n");
    BOOST_REQUIRE(plan.files.size() == 1U);
    BOOST_TEST(plan.files[0].path == plan.seed->path);
    BOOST_TEST(!plan.files[0].writable);
    BOOST_TEST(count(plan, R"("id":"cloudinit0","bus":"rp1")") == 1U);
    BOOST_TEST(count(plan, R"("bus":"rp0")") == count(without, R"("bus":"rp0")"));
    BOOST_TEST(!without.seed.has_value());
    with.spec.boot.machine = api::Machine::microvm;
    BOOST_TEST(count(make_plan(with), R"("driver":"virtio-blk-device","id":"cloudinit0")") == 1U);
}
