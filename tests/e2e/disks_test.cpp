// SPDX-License-Identifier: Apache-2.0
//
// Two partitions never write to one disk, whatever they call it.
#include "tests/e2e/lib/host.hpp"

#include <array>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <sys/stat.h>
#include <sys/sysmacros.h>

using namespace mshv::e2e;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t image_size = 4 << 20;

std::string block_disk_xml(const std::string& path) {
    return "<disk type='block' device='disk'><driver name='qemu' type='raw'/><source dev='" + path +
           "'/><target dev='vda' bus='virtio'/></disk>";
}

std::string with(std::string disk, const std::string& more) {
    return disk.insert(disk.rfind("</disk>"), more);
}

std::string overlay_xml(const std::string& path, const std::string& backing) {
    return with(disk_xml(path, "qcow2"),
                "<backingStore type='file'><format type='raw'/><source file='" + backing +
                    "'/></backingStore>");
}

/// What `create` says of a guest with this disk; it must be refused and leave nothing.
std::string refused(Host& host, const std::string& disk) {
    const auto before = host.last_event();
    const auto file =
        host.write_file("second.xml", GuestXml{.name = "second", .devices = {disk}}.text());
    const auto text = host.fails(4, {"create", file});
    BOOST_TEST(!host.exists("second"));
    BOOST_TEST(host.last_event() == before);
    return text;
}

/// A loop device over a file, where this machine lets one be made.
class Loop {
public:
    explicit Loop(const std::string& file) {
        const auto made = run({"/usr/sbin/losetup", "--find", "--show", "--partscan", file});
        if (made.status == 0) {
            device_ = made.out.substr(0, made.out.find('\n'));
        }
    }
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;
    ~Loop() {
        if (!device_.empty()) {
            run({"/usr/sbin/losetup", "--detach", device_});
        }
    }
    [[nodiscard]] const std::string& device() const { return device_; }

private:
    std::string device_;
};

boost::test_tools::assertion_result has_loops(boost::unit_test::test_unit_id) {
    boost::test_tools::assertion_result result(fs::exists("/dev/loop-control") &&
                                               fs::exists("/usr/sbin/losetup"));
    result.message() << "needs loop devices";
    return result;
}

/// An image with two partitions, of 1 MiB each, in a table of the oldest kind.
std::string partitioned_image() {
    std::string image(image_size, '\0');
    const std::array<unsigned, 2> starts{2048, 4096};
    for (std::size_t i = 0; i < starts.size(); ++i) {
        const std::size_t entry = 446 + 16 * i;
        image[entry + 4] = '\x83';
        for (unsigned byte = 0; byte < 4; ++byte) {
            image[entry + 8 + byte] = static_cast<char>(starts[i] >> (8 * byte) & 0xff);
            image[entry + 12 + byte] = static_cast<char>(2048U >> (8 * byte) & 0xff);
        }
    }
    image[510] = '\x55';
    image[511] = '\xaa';
    return image;
}

/// A node of its own for a partition of a loop device: /dev may not have one.
std::string partition_node(Host& host, const std::string& loop, int number) {
    const std::string name = fs::path(loop).filename().string();
    const auto dev = run(
        {"/bin/cat", "/sys/block/" + name + "/" + name + "p" + std::to_string(number) + "/dev"});
    const auto colon = dev.out.find(':');
    if (dev.status != 0 || colon == std::string::npos) {
        return {};
    }
    const auto path = host.path("part" + std::to_string(number));
    const auto node = ::makedev(static_cast<unsigned>(std::stoul(dev.out.substr(0, colon))),
                                static_cast<unsigned>(std::stoul(dev.out.substr(colon + 1))));
    return ::mknod(path.c_str(), S_IFBLK | 0600, node) == 0 ? path : std::string();
}

} // namespace

BOOST_AUTO_TEST_CASE(a_hundred_creators_of_one_disk) {
    Host host({.fake_vmm = true});
    const auto disk = host.write_file("disk", std::string(image_size, '\0'), 0666);
    std::vector<Program> creators;
    for (int i = 0; i < 100; ++i) {
        auto guest = host.fake_guest("c" + std::to_string(i));
        guest.devices = {disk_xml(disk)};
        creators.push_back(host.session({"create", host.write_file(guest.name, guest.text())}));
    }
    int winners = 0;
    std::string winner;
    std::vector<std::string> told;
    for (std::size_t i = 0; i < creators.size(); ++i) {
        const auto outcome = creators[i].finish(guest_time());
        if (outcome.status == 0) {
            ++winners;
            winner = "c" + std::to_string(i);
        } else {
            BOOST_TEST(outcome.status == 4, outcome.err);
            told.push_back(outcome.err);
        }
    }
    BOOST_TEST(winners == 1);
    BOOST_TEST(told.size() == 99U);
    for (const auto& text : told) {
        BOOST_TEST(contains(text, "by the partition '" + winner + "'"), text);
    }
    BOOST_TEST(host.rows().size() == 1U);
}

BOOST_AUTO_TEST_CASE(by_every_name_it_is_one_disk) {
    Host host;
    const auto disk = host.write_file("disk", std::string(image_size, '\0'), 0666);
    fs::create_symlink(disk, host.path("symbolic"));
    fs::create_hard_link(disk, host.path("hard"));
    host.create({.name = "first", .steps = "shell", .devices = {disk_xml(disk)}});
    host.wait_console("first", "MSHV-GUEST-HELLO");
    const auto check = [&] {
        for (const std::string name : {"disk", "symbolic", "hard"}) {
            const auto text = refused(host, disk_xml(host.path(name)));
            BOOST_TEST(contains(text, "The disk " + host.path(name) +
                                          " is being written by the partition 'first'"),
                       text);
            BOOST_TEST(contains(text, " as " + disk) == (name != "disk"), text);
        }
        const auto reader = refused(host, with(disk_xml(disk), "<readonly/>"));
        BOOST_TEST(contains(reader, "partition 'first'"), reader);
        const auto overlay = host.path("overlay");
        BOOST_REQUIRE_EQUAL(run({"/usr/bin/qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw",
                                 "-b", disk, overlay})
                                .status,
                            0);
        const auto above = refused(host, overlay_xml(overlay, host.path("symbolic")));
        BOOST_TEST(contains(above, "The disk " + host.path("symbolic") +
                                       " is being written by the partition 'first' as " + disk),
                   above);
    };
    check();
    host.kill_daemon(); // its leases are not in its memory
    BOOST_REQUIRE(host.start_daemon());
    host.wait_state("first", "running");
    check();
    host.ok({"destroy", "first"});
    host.create({.name = "second", .devices = {disk_xml(host.path("symbolic"))}});
}

BOOST_AUTO_TEST_CASE(a_backing_file_is_read_by_many_and_written_by_none) {
    Host host;
    const auto base = host.write_file("base", std::string(image_size, '\0'), 0666);
    for (const std::string name : {"a", "b"}) {
        const auto overlay = host.path(name + ".qcow2");
        BOOST_REQUIRE_EQUAL(run({"/usr/bin/qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw",
                                 "-b", base, overlay})
                                .status,
                            0);
        host.create({.name = name, .steps = "shell", .devices = {overlay_xml(overlay, base)}});
    }
    const auto text = refused(host, disk_xml(base));
    BOOST_TEST((contains(text, "The disk " + base + " is being read by the partition 'a'") ||
                contains(text, "The disk " + base + " is being read by the partition 'b'")),
               text);
    host.create({.name = "reader", .devices = {with(disk_xml(base), "<readonly/>")}});
}

BOOST_AUTO_TEST_CASE(a_shareable_disk_is_shared_by_those_who_say_so) {
    Host host;
    const auto disk = host.write_file("disk", std::string(image_size, '\0'), 0666);
    const auto shared = with(disk_xml(disk), "<shareable/>");
    host.create({.name = "a", .steps = "shell", .devices = {shared}});
    host.create({.name = "b", .steps = "shell", .devices = {shared}});
    BOOST_TEST(contains(refused(host, disk_xml(disk)), "by the partition '"));
}

BOOST_AUTO_TEST_CASE(a_loop_device_is_its_file, *boost::unit_test::precondition(has_loops)) {
    Host host;
    const auto disk = host.write_file("disk", partitioned_image(), 0666);
    const Loop loop(disk);
    if (loop.device().empty()) {
        BOOST_TEST_MESSAGE("this machine makes no loop device");
        return;
    }
    host.create({.name = "first", .steps = "shell", .devices = {disk_xml(disk)}});
    const auto text = refused(host, block_disk_xml(loop.device()));
    BOOST_TEST(contains(text, "The disk " + loop.device() +
                                  " is being written by the partition 'first' as " + disk),
               text);
    const auto part = partition_node(host, loop.device(), 1);
    const auto other = partition_node(host, loop.device(), 2);
    if (!part.empty() && !other.empty()) {
        BOOST_TEST(contains(refused(host, block_disk_xml(part)), "partition 'first' as " + disk));
    }
    host.ok({"destroy", "first"});
    host.create({.name = "first", .steps = "shell", .devices = {block_disk_xml(loop.device())}});
    BOOST_TEST(contains(refused(host, disk_xml(disk)), "partition 'first' as " + loop.device()));
    if (part.empty() || other.empty()) {
        BOOST_TEST_MESSAGE("this machine shows no partitions of loop devices");
        return;
    }
    host.ok({"destroy", "first"});
    host.create({.name = "first", .steps = "shell", .devices = {block_disk_xml(part)}});
    BOOST_TEST(contains(refused(host, block_disk_xml(part)), "partition 'first'"));
    BOOST_TEST(
        contains(refused(host, block_disk_xml(loop.device())), "partition 'first' as " + part));
    BOOST_TEST(contains(refused(host, disk_xml(disk)), "partition 'first' as " + part));
    host.create({.name = "beside", .steps = "shell", .devices = {block_disk_xml(other)}});
}
