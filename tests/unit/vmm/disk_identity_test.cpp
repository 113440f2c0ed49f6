// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/disk_identity.hpp"
#include "tests/unit/vmm/scene.hpp"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>

namespace {

using namespace mshv;
using domain::Extent;
namespace fs = std::filesystem;

/// A sysfs of a test's own: block devices as the kernel shows them.
class Sysfs {
public:
    Sysfs() { fs::create_directories(root() + "/dev/block"); }
    [[nodiscard]] std::string root() const { return folder_ / "sys"; }

    /// A device's folder below `parent` (empty: a whole device), with its number.
    std::string add(const std::string& name, const std::string& number,
                    const std::string& parent = {}) {
        const std::string at = (parent.empty() ? root() + "/devices/block" : parent) + "/" + name;
        fs::create_directories(at);
        write(at + "/dev", number);
        fs::create_directory_symlink(at, root() + "/dev/block/" + number);
        return at;
    }
    static void write(const std::string& path, const std::string& line) {
        fs::create_directories(fs::path(path).parent_path());
        std::ofstream(path) << line << "\n";
    }
    std::string file(const std::string& name) {
        std::ofstream(folder_ / name) << "x";
        return folder_ / name;
    }

private:
    test::Folder folder_;
};

std::string file_node(const std::string& path) {
    struct stat info {};
    BOOST_REQUIRE_EQUAL(::stat(path.c_str(), &info), 0);
    return "file " + std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino);
}

bool same(const Extent& extent, const std::string& base, std::int64_t first, std::int64_t past) {
    return extent == Extent{base, first, past};
}

} // namespace

BOOST_AUTO_TEST_CASE(a_file_is_itself_by_whatever_name) {
    const test::Folder folder;
    std::ofstream(folder / "disk") << "x";
    std::ofstream(folder / "other") << "x";
    fs::create_symlink(folder / "disk", folder / "symbolic");
    fs::create_hard_link(folder / "disk", folder / "hard");
    const auto disk = vmm::identify_disk(folder / "disk").value();
    for (const char* name : {"symbolic", "hard"}) {
        const auto found = vmm::identify_disk(folder / name).value();
        BOOST_TEST((found.self == disk.self), name);
        BOOST_TEST(found.node == disk.node);
    }
    BOOST_TEST((vmm::identify_disk(folder / "other").value().self != disk.self));
    BOOST_TEST(!vmm::identify_disk(folder / "missing"));
    BOOST_TEST(!vmm::identify_disk(folder / "."));
    BOOST_TEST(!vmm::identify_disk("/dev/null"));
}

BOOST_AUTO_TEST_CASE(a_partition_is_a_part_of_its_disk) {
    Sysfs sysfs;
    const auto disk = sysfs.add("sda", "8:0");
    const auto part = sysfs.add("sda2", "8:2", disk);
    Sysfs::write(part + "/partition", "2");
    Sysfs::write(part + "/start", "2048");
    Sysfs::write(part + "/size", "100");
    const auto whole = vmm::identify_device(8, 0, sysfs.root());
    BOOST_TEST(same(whole.self, "device 8:0", 0, INT64_MAX));
    const auto found = vmm::identify_device(8, 2, sysfs.root());
    BOOST_TEST(found.node == "device 8:2");
    BOOST_TEST(same(found.self, "device 8:0", 2048 * 512, 2148 * 512));
    BOOST_TEST(found.made_of.empty());
}

BOOST_AUTO_TEST_CASE(a_loop_device_is_a_part_of_its_file) {
    Sysfs sysfs;
    const auto file = sysfs.file("image");
    const auto loop = sysfs.add("loop3", "7:3");
    Sysfs::write(loop + "/loop/backing_file", file);
    BOOST_TEST(same(vmm::identify_device(7, 3, sysfs.root()).self, file_node(file), 0, INT64_MAX));
    Sysfs::write(loop + "/loop/offset", "4096");
    BOOST_TEST(
        same(vmm::identify_device(7, 3, sysfs.root()).self, file_node(file), 4096, INT64_MAX));
    Sysfs::write(loop + "/loop/sizelimit", "1048576");
    BOOST_TEST(
        same(vmm::identify_device(7, 3, sysfs.root()).self, file_node(file), 4096, 4096 + 1048576));
    // And a partition in it is a part of the part, which never reaches beyond it.
    const auto part = sysfs.add("loop3p1", "259:0", loop);
    Sysfs::write(part + "/partition", "1");
    Sysfs::write(part + "/start", "8");
    Sysfs::write(part + "/size", "1000000");
    BOOST_TEST(same(vmm::identify_device(259, 0, sysfs.root()).self, file_node(file), 8192,
                    4096 + 1048576));
    // A file that is gone has no name by which another could have it.
    Sysfs::write(loop + "/loop/backing_file", file + " (deleted)");
    BOOST_TEST(same(vmm::identify_device(7, 3, sysfs.root()).self, "device 7:3", 0, INT64_MAX));
}

BOOST_AUTO_TEST_CASE(a_volume_is_made_of_what_is_below) {
    Sysfs sysfs;
    const auto disk = sysfs.add("sdb", "8:16");
    const auto part = sysfs.add("sdb1", "8:17", disk);
    Sysfs::write(part + "/partition", "1");
    Sysfs::write(part + "/start", "1");
    Sysfs::write(part + "/size", "9");
    const auto raid = sysfs.add("md0", "9:0");
    const auto volume = sysfs.add("dm-0", "253:0");
    fs::create_directories(raid + "/slaves");
    fs::create_directories(volume + "/slaves");
    fs::create_directory_symlink(part, raid + "/slaves/sdb1");
    fs::create_directory_symlink(raid, volume + "/slaves/md0");
    const auto found = vmm::identify_device(253, 0, sysfs.root());
    BOOST_TEST(same(found.self, "device 253:0", 0, INT64_MAX));
    BOOST_REQUIRE_EQUAL(found.made_of.size(), 2U);
    BOOST_TEST(same(found.made_of[0], "device 9:0", 0, INT64_MAX));
    BOOST_TEST(same(found.made_of[1], "device 8:16", 512, 5120));
}

BOOST_AUTO_TEST_CASE(what_is_not_known_is_only_itself) {
    Sysfs sysfs;
    BOOST_TEST(same(vmm::identify_device(8, 99, sysfs.root()).self, "device 8:99", 0, INT64_MAX));
    // A device that is its own part would be a kernel's fault, not an endless search.
    const auto loop = sysfs.add("loop0", "7:0");
    fs::create_directories(loop + "/slaves");
    fs::create_directory_symlink(loop, loop + "/slaves/loop0");
    BOOST_TEST(vmm::identify_device(7, 0, sysfs.root()).made_of.size() <= 16U);
}

BOOST_AUTO_TEST_CASE(what_a_definition_uses) {
    const test::Folder folder;
    for (const char* name : {"top", "base", "cd", "vars", "plain"}) {
        std::ofstream(folder / name) << "x";
    }
    api::PartitionSpec spec;
    api::Disk top;
    top.target = "vda";
    top.path = folder / "top";
    top.format = api::DiskFormat::qcow2;
    top.backing = {{folder / "base", api::DiskFormat::raw}};
    api::Disk drive;
    drive.target = "sda";
    drive.device = api::DiskDevice::cdrom;
    drive.path = folder / "cd";
    api::Disk shared;
    shared.target = "vdb";
    shared.path = folder / "plain";
    shared.shareable = true;
    api::Disk missing;
    missing.target = "vdc";
    missing.path = folder / "missing";
    api::Disk empty;
    empty.target = "sdb";
    empty.device = api::DiskDevice::cdrom;
    spec.devices.disks = {top, drive, shared, missing, empty};
    spec.boot.nvram = folder / "vars"; // BIOS has none
    BOOST_TEST(vmm::disk_claims(spec).size() == 4U);
    spec.boot.firmware = api::Firmware::efi;
    std::string all;
    for (const auto& claim : vmm::disk_claims(spec)) {
        all += claim.device + " " + fs::path(claim.path).filename().string() +
               (claim.writes ? " w" : "") + (claim.shares ? " s" : "") + ";";
    }
    BOOST_TEST(all == "vda top w;vda base;sda cd;vdb plain w s;nvram vars w;");
}
