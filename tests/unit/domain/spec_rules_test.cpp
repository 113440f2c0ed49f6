// SPDX-License-Identifier: Apache-2.0
#include "daemon/domain/canonicalise.hpp"
#include "daemon/domain/validate.hpp"

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <functional>
#include <ostream>

namespace mshv::domain {
namespace {

Random counting() {
    return [n = std::uint64_t{0}]() mutable { return ++n * 0x9e3779b97f4a7c15ULL; };
}

api::PartitionSpec sound() {
    api::PartitionSpec spec;
    spec.name = "web";
    spec.memory.size = 512 * mebibyte;
    api::Disk disk;
    disk.path = "/srv/web.img";
    spec.devices.disks = {disk};
    spec.devices.nics = {api::Nic{}};
    canonicalise(spec, counting());
    return spec;
}

BOOST_AUTO_TEST_SUITE(spec_rules)

BOOST_AUTO_TEST_CASE(what_was_open_is_filled_in_once) {
    api::PartitionSpec spec = sound();
    BOOST_REQUIRE(spec.uuid.has_value());
    BOOST_TEST((spec.uuid->version() == boost::uuids::uuid::version_random_number_based));
    BOOST_TEST(spec.devices.disks[0].target == "vda");
    BOOST_TEST(spec.devices.disks[0].alias == "disk0");
    BOOST_TEST(spec.devices.nics[0].mac.substr(0, 9) == "52:54:00:");
    const api::PartitionSpec before = spec;
    const Generated generated = canonicalise(spec, counting());
    BOOST_TEST((spec == before));
    BOOST_TEST(!generated.uuid);
    BOOST_TEST(!generated.macs);
    BOOST_TEST(validate(spec).empty());
}

BOOST_AUTO_TEST_CASE(names_that_are_given_are_not_given_again) {
    api::PartitionSpec spec;
    spec.name = "web";
    spec.memory.size = mebibyte;
    for (const char* target : {"", "vda", ""}) {
        api::Disk disk;
        disk.path = std::string("/srv/") + std::to_string(spec.devices.disks.size());
        disk.target = target;
        spec.devices.disks.push_back(disk);
    }
    spec.devices.nics.resize(2);
    spec.devices.nics[1].mac = "52:54:00:AB:CD:EF";
    canonicalise(spec, counting());
    BOOST_TEST(spec.devices.disks[0].target == "vdb");
    BOOST_TEST(spec.devices.disks[2].target == "vdc");
    BOOST_TEST(spec.devices.nics[1].mac == "52:54:00:ab:cd:ef");
    BOOST_TEST(validate(spec).empty());
}

struct Fault {
    const char* where;
    std::function<void(api::PartitionSpec&)> spoil;
};
std::ostream& operator<<(std::ostream& out, const Fault& fault) {
    return out << fault.where;
}

const Fault faults[] = {
    {"/spec/name", [](auto& s) { s.name = "../etc"; }},
    {"/spec/name", [](auto& s) { s.name = "42"; }},
    {"/spec/name", [](auto& s) { s.name = std::string("a\0b", 3); }},
    {"/spec/title", [](auto& s) { s.title = "a\x1b[2J"; }},
    {"/spec/description", [](auto& s) { s.description = std::string(20'000, 'x'); }},
    {"/spec/labels", [](auto& s) { s.labels["a b"] = ""; }},
    {"/spec/memory/size", [](auto& s) { s.memory.size = 0; }},
    {"/spec/memory/size", [](auto& s) { s.memory.size = mebibyte + 1; }},
    {"/spec/memory/size", [](auto& s) { s.memory.size = max_memory + mebibyte; }},
    {"/spec/memory/current", [](auto& s) { s.memory.current = 513 * mebibyte; }},
    {"/spec/memory/hugepages/page_size",
     [](auto& s) { s.memory.hugepages = api::HugePages{3 * mebibyte}; }},
    {"/spec/cpu/maximum", [](auto& s) { s.cpu.maximum = s.cpu.current = max_vcpus + 1; }},
    {"/spec/cpu/current", [](auto& s) { s.cpu.current = 2; }},
    {"/spec/cpu/topology",
     [](auto& s) {
         s.cpu.topology = api::CpuTopology{2, 1, 1, 1};
     }},
    {"/spec/cpu/topology",
     [](auto& s) {
         s.cpu.topology = api::CpuTopology{65536, 65536, 65536, 65537};
     }},
    {"/spec/cpu/model", [](auto& s) { s.cpu.mode = api::CpuMode::custom; }},
    {"/spec/cpu/model",
     [](auto& s) {
         s.cpu.mode = api::CpuMode::custom;
         s.cpu.model = "qemu64,+svm";
     }},
    {"/spec/boot/kernel", [](auto& s) { s.boot.kernel = "vmlinuz"; }},
    {"/spec/boot/kernel", [](auto& s) { s.boot.kernel = "/boot/a\nb"; }},
    {"/spec/boot/kernel", [](auto& s) { s.boot.kernel = "/" + std::string(5000, 'x'); }},
    {"/spec/boot/kernel", [](auto& s) { s.boot.initrd = "/boot/initrd"; }},
    {"/spec/boot/cmdline",
     [](auto& s) {
         s.boot.kernel = "/k";
         s.boot.cmdline = std::string(2048, 'x');
     }},
    {"/spec/smbios/0/block",
     [](auto& s) {
         s.smbios = {{"cpu", "serial", "1"}};
     }},
    {"/spec/smbios/0/value",
     [](auto& s) {
         s.smbios = {{"system", "serial", "a\nb"}};
     }},
    {"/spec/devices/disks/0/path", [](auto& s) { s.devices.disks[0].path = ""; }},
    {"/spec/devices/disks/0/path", [](auto& s) { s.devices.disks[0].path = "/srv/"; }},
    {"/spec/devices/disks/0/backing",
     [](auto& s) {
         s.devices.disks[0].backing = {{"/b", api::DiskFormat::raw}};
     }},
    {"/spec/devices/disks/0/logical_block_size",
     [](auto& s) { s.devices.disks[0].logical_block_size = 513; }},
    {"/spec/devices/disks/0/serial", [](auto& s) { s.devices.disks[0].serial = "a,b=c"; }},
    {"/spec/devices/disks/1/target",
     [](auto& s) {
         s.devices.disks.push_back(s.devices.disks[0]);
         s.devices.disks[1].alias = "other";
         s.devices.disks[1].path = "/other";
     }},
    {"/spec/devices/disks/1/path",
     [](auto& s) {
         s.devices.disks.push_back(s.devices.disks[0]);
         s.devices.disks[1].alias = "other";
         s.devices.disks[1].target = "vdb";
     }},
    {"/spec/devices/disks", [](auto& s) { s.devices.disks.resize(max_disks + 1); }},
    {"/spec/devices/nics/0/mac", [](auto& s) { s.devices.nics[0].mac = "53:54:00:00:00:01"; }},
    {"/spec/devices/nics/0/mac", [](auto& s) { s.devices.nics[0].mac = "52-54-00-00-00-01"; }},
    {"/spec/devices/nics/0/bridge",
     [](auto& s) { s.devices.nics[0].source = api::NicSource::bridge; }},
    {"/spec/devices/nics/0/target", [](auto& s) { s.devices.nics[0].target = "tap,script=/p"; }},
    {"/spec/devices/nics/0/mtu", [](auto& s) { s.devices.nics[0].mtu = 1; }},
    {"/spec/devices/nics/0/boot_order",
     [](auto& s) {
         s.devices.disks[0].boot_order = 1;
         s.devices.nics[0].boot_order = 1;
     }},
    {"/spec/devices/emulator", [](auto& s) { s.devices.emulator = "qemu"; }},
    {"/spec/devices/console/ring", [](auto& s) { s.devices.console = api::Console{.ring = 1}; }},
    {"/spec/vmm/minimum", [](auto& s) { s.vmm.minimum = "7.2;rm"; }},
    {"/spec/autostart/after/0/partition", [](auto& s) { s.autostart.after = {{"web"}}; }},
    {"/spec/autostart/require_bridges/0", [](auto& s) { s.autostart.require_bridges = {"../.."}; }},
    {"/spec/autostart/require_mounts/0", [](auto& s) { s.autostart.require_mounts = {"srv"}; }},
    {"/spec/shutdown/methods", [](auto& s) { s.shutdown.methods.clear(); }},
    {"/spec/shutdown/timeout_s", [](auto& s) { s.shutdown.timeout_s = 0; }},
    {"/spec/restart/delay_s", [](auto& s) { s.restart.delay_s = 61; }},
};

BOOST_DATA_TEST_CASE(each_fault_is_found_where_it_is, boost::unit_test::data::make(faults), fault) {
    api::PartitionSpec spec = sound();
    fault.spoil(spec);
    bool found = false;
    for (const auto& problem : validate(spec)) {
        BOOST_TEST_MESSAGE(problem.where << ": " << problem.message);
        BOOST_TEST(!problem.message.empty());
        found = found || problem.where == fault.where;
    }
    BOOST_TEST(found);
}

BOOST_AUTO_TEST_CASE(all_faults_are_told_at_once) {
    api::PartitionSpec spec = sound();
    spec.memory.size = 0;
    spec.boot.kernel = "relative";
    spec.devices.nics[0].mac = "none";
    BOOST_TEST(validate(spec).size() >= 3);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace mshv::domain
