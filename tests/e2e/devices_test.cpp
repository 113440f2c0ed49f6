// SPDX-License-Identifier: Apache-2.0
//
// Devices that come to a guest and leave it while it runs, with a real VMM and a real guest.
#include "tests/e2e/lib/host.hpp"
#include "tests/e2e/lib/shell.hpp"

#include <boost/test/unit_test.hpp>
#include <filesystem>

using namespace mshv::e2e;

namespace {

void guest_has(Host& host, const std::string& name, const std::string& device, bool there) {
    // A driver may be slower than the VMM: the guest waits, and so do we.
    guest_says(host, name,
               "while " + std::string(there ? "! " : "") + "test -e /sys/block/" + device +
                   "; do sleep 1; done; echo IT-IS | sed 's/$/-SO/'",
               "IT-IS-SO");
}

std::string state_of(Host& host, const std::string& name, const std::string& target) {
    for (const auto& item : Json::parse(host.ok({"--json", "block-list", name}))["items"].items()) {
        if (item["disk"]["target"].text() == target) {
            return item["state"].text();
        }
    }
    return "absent";
}

} // namespace

BOOST_AUTO_TEST_CASE(a_disk_comes_and_goes_with_the_guests_knowledge) {
    Host host;
    const auto disk = host.write_file("disk", std::string(4 << 20, 'd'), 0666);
    host.create({.name = "g", .steps = "shell"}, {"--define"});
    host.wait_console("g", "MSHV-GUEST-READY");
    host.ok({"block-attach", "g", "format=raw,vdev=xvda,target=" + disk});
    BOOST_TEST(state_of(host, "g", "vda") == "present");
    guest_has(host, "g", "vda", true);
    guest_says(host, "g", "head -c 3 /dev/vda | sed 's/^/READ-/'", "READ-ddd");
    // It is its own, as if it had been there from the start.
    const auto other =
        host.write_file("other.xml", GuestXml{.name = "other", .devices = {disk_xml(disk)}}.text());
    BOOST_TEST(contains(host.fails(4, {"create", other}), "by the partition 'g'"));
    // Another daemon, another generation of the VMM: it is there still.
    host.kill_daemon();
    BOOST_REQUIRE(host.start_daemon());
    host.ok({"reset", "g"});
    host.wait_console("g", "MSHV-GUEST-READY", 2);
    guest_has(host, "g", "vda", true);
    host.ok({"block-detach", "--timeout", "60", "g", "xvda"});
    BOOST_TEST(state_of(host, "g", "vda") == "absent");
    guest_has(host, "g", "vda", false);
    host.create({.name = "other", .devices = {disk_xml(disk)}}); // it is free
    BOOST_TEST(contains(host.fails(4, {"block-attach", "g", disk}), "by the partition 'other'"));
    BOOST_TEST(contains(host.fails(7, {"block-detach", "--force", "g", "vda"}), "does not let go"));
}

BOOST_AUTO_TEST_CASE(a_disk_from_the_start_goes_and_the_definition_with_it) {
    Host host;
    const auto disk = host.write_file("disk", std::string(1 << 20, 'd'), 0666);
    host.create({.name = "g", .steps = "shell", .devices = {disk_xml(disk)}}, {"--define"});
    host.wait_console("g", "MSHV-GUEST-READY");
    host.ok({"block-detach", "--live", "--config", "--timeout", "60", "g", "vda"});
    BOOST_TEST(state_of(host, "g", "vda") == "absent");
    BOOST_TEST(host.view("g")["revision"].number() == 2);
    BOOST_TEST(!contains(host.ok({"dumpxml", "g"}), disk));
    guest_has(host, "g", "vda", false);
}

BOOST_AUTO_TEST_CASE(a_guest_that_does_not_answer_keeps_its_disk_until_it_starts_again) {
    Host host;
    const auto disk = host.write_file("disk", std::string(1 << 20, 'd'), 0666);
    // Firmware without anything to boot: nobody hears of a device that is to go.
    host.create({.name = "g", .firmware_boot = true, .devices = {disk_xml(disk)}}, {"--define"});
    BOOST_TEST(contains(host.fails(9, {"block-detach", "--timeout", "1", "g", "vda"}),
                        "has not let go of vda"));
    BOOST_TEST(state_of(host, "g", "vda") == "detaching");
    const auto other =
        host.write_file("other.xml", GuestXml{.name = "other", .devices = {disk_xml(disk)}}.text());
    BOOST_TEST(contains(host.fails(4, {"create", other}), "by the partition 'g'"));
    const auto before = host.last_event();
    host.ok({"reset", "g"});
    host.wait_event(
        before, [](const Json& event) { return event.get("kind") == "partition.disk-detached"; });
    BOOST_TEST(state_of(host, "g", "vda") == "defined");
    host.ok({"create", other});
}

BOOST_AUTO_TEST_CASE(the_guest_sees_its_disk_grow) {
    Host host;
    const auto disk = host.write_file("disk", std::string(1 << 20, 'd'), 0666);
    host.create({.name = "g", .steps = "shell", .devices = {disk_xml(disk)}}, {"--define"});
    host.wait_console("g", "MSHV-GUEST-READY");
    host.ok({"block-resize", "g", "vda", "3MiB"});
    BOOST_TEST(std::filesystem::file_size(disk) == 3U << 20U);
    guest_says(host, "g", "sed 's/^/SECTORS-/' /sys/block/vda/size", "SECTORS-6144");
    BOOST_TEST(contains(host.fails(6, {"block-resize", "g", "vda", "1M"}), "would be lost"));
    BOOST_TEST(std::filesystem::file_size(disk) == 3U << 20U);
    host.ok({"block-resize", "--shrink", "g", "vda", "1M"});
    guest_says(host, "g", "sed 's/^/SECTORS-/' /sys/block/vda/size", "SECTORS-2048");
    host.ok({"destroy", "g"});
    BOOST_TEST(contains(host.fails(5, {"block-resize", "g", "vda", "2M"}), "not running"));
}

// The machine in the file is the one that the guest had at the end, each disk in its place.
BOOST_AUTO_TEST_CASE(a_guest_is_saved_with_the_disks_that_came_and_went) {
    Host host;
    const auto disk = [&](const std::string& name) {
        return host.write_file(name, std::string(1 << 20, name.front()), 0666);
    };
    const auto first = disk("first");
    const auto second = disk("second");
    host.create({.name = "g", .steps = "shell", .devices = {disk_xml(first)}}, {"--define"});
    host.wait_console("g", "MSHV-GUEST-READY");
    host.ok({"block-attach", "g", disk("passing")});
    host.ok({"block-attach", "g", second});
    guest_has(host, "g", "vdc", true);
    host.ok({"block-detach", "--timeout", "60", "g", "vda"});
    host.ok({"block-detach", "--timeout", "60", "g", "vdb"});
    for (const auto* name : {"one.save", "two.save"}) {
        const auto file = host.path(name);
        host.ok({"save", "g", file});
        BOOST_TEST(state_of(host, "g", "vda") == "defined");
        host.ok({"restore", file});
        BOOST_TEST(state_of(host, "g", "vdc") == "present");
        guest_has(host, "g", "vda", false);
        guest_has(host, "g", "vdc", true);
    }
    guest_says(host, "g", "head -c 3 /dev/vdc | sed 's/^/READ-/'", "READ-sss");
    const auto other = host.write_file(
        "other.xml", GuestXml{.name = "other", .devices = {disk_xml(second)}}.text());
    BOOST_TEST(contains(host.fails(4, {"create", other}), "by the partition 'g'"));
    // Later generations of its VMM have it, too, and the guest lets go of it as of any other.
    host.ok({"reset", "g"});
    host.wait_console("g", "MSHV-GUEST-READY");
    host.ok({"block-detach", "--timeout", "60", "g", "vdc"});
    host.ok({"create", other});
}

namespace {

/// The guest has so many network interfaces besides its loopback.
void guest_has_nics(Host& host, const std::string& name, int number) {
    guest_says(host, name,
               "while test $(ls /sys/class/net | grep -vc lo) != " + std::to_string(number) +
                   "; do sleep 1; done; echo IT-IS | sed 's/$/-SO/'",
               "IT-IS-SO");
}

std::string nics_of(Host& host, const std::string& name) {
    std::string text;
    for (const auto& item :
         Json::parse(host.ok({"--json", "network-list", name}))["items"].items()) {
        text += item["interface"]["alias"].text() + " " + item["state"].text() + ";";
    }
    return text;
}

} // namespace

BOOST_AUTO_TEST_CASE(an_interface_comes_and_goes_with_the_guests_knowledge) {
    Host host;
    host.create({.name = "g", .steps = "shell"}, {"--define"});
    host.wait_console("g", "MSHV-GUEST-READY");
    guest_has_nics(host, "g", 0);
    host.ok({"network-attach", "g", "type=user,mac=52:54:00:0e:2e:01"});
    BOOST_TEST(nics_of(host, "g") == "net0 present;");
    guest_has_nics(host, "g", 1);
    guest_says(host, "g", "cat /sys/class/net/eth0/address | tr a-z A-Z", "52:54:00:0E:2E:01");
    // Another daemon, another generation of the VMM: it is there still, and its cable is pulled.
    guest_says(host, "g", "ip link set eth0 up; sed 's/^/CARRIER-/' /sys/class/net/eth0/carrier",
               "CARRIER-1");
    host.ok({"network-link", "g", "0", "down"});
    guest_says(host, "g", "sed 's/^/CARRIER-/' /sys/class/net/eth0/carrier", "CARRIER-0");
    host.kill_daemon();
    BOOST_REQUIRE(host.start_daemon());
    host.ok({"reset", "g"});
    host.wait_console("g", "MSHV-GUEST-READY", 2);
    guest_says(host, "g", "ip link set eth0 up; sed 's/^/CARRIER-/' /sys/class/net/eth0/carrier",
               "CARRIER-0");
    host.ok({"network-link", "g", "52:54:00:0E:2E:01", "up"});
    guest_says(host, "g", "sed 's/^/CARRIER-/' /sys/class/net/eth0/carrier", "CARRIER-1");
    BOOST_TEST(contains(host.ok({"info", "g"}), "52:54:00:0e:2e:01, virtio, user, link up"));
    host.ok({"network-detach", "--timeout", "60", "g", "0"});
    BOOST_TEST(nics_of(host, "g").empty());
    guest_has_nics(host, "g", 0);
    host.ok({"network-attach", "g", "type=user"}); // in the same place
    guest_has_nics(host, "g", 1);
}

BOOST_AUTO_TEST_CASE(a_guest_is_saved_with_the_interfaces_that_came_and_went) {
    Host host;
    const auto element =
        host.write_file("nic.xml", "<interface type='user'><mac address='52:54:00:0e:2e:02'/>"
                                   "<model type='e1000e'/></interface>");
    host.create({.name = "g", .steps = "shell", .devices = {"<interface type='user'/>"}},
                {"--define"});
    host.wait_console("g", "MSHV-GUEST-READY");
    host.ok({"network-attach", "g", "type=user,mac=52:54:00:0e:2e:01"});
    guest_has_nics(host, "g", 2);
    host.ok({"network-detach", "--timeout", "60", "g", "0"});
    guest_has_nics(host, "g", 1);
    host.ok({"network-attach", "g", element}); // the guest has no driver for it: it stands there
    const auto file = host.path("g.save");
    host.ok({"save", "g", file});
    host.ok({"restore", file});
    BOOST_TEST(nics_of(host, "g") == "net1 present;net2 present;net0 defined;");
    guest_says(host, "g", "cat /sys/class/net/eth*/address | tr a-z A-Z", "52:54:00:0E:2E:01");
    host.ok({"network-detach", "--timeout", "60", "g", "1"});
    guest_has_nics(host, "g", 0);
}
