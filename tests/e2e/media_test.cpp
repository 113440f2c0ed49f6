// SPDX-License-Identifier: Apache-2.0
//
// Media of a CD drive that are changed while the guest runs, with a real VMM and a real guest.
#include "tests/e2e/lib/host.hpp"
#include "tests/e2e/lib/installation.hpp"
#include "tests/e2e/lib/shell.hpp"

#include <boost/test/unit_test.hpp>

using namespace mshv::e2e;

namespace {

const std::string drive = "<disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk>";

/// Runs, with these devices.
void create_guest(Host& host, const std::vector<std::string>& devices) {
    host.create({.name = "g",
                 .steps = "shell",
                 .kernel = cd_guest_kernel(),
                 .initrd = cd_guest_initrd(),
                 .memory_mib = 256,
                 .devices = devices},
                {"--define"});
    host.wait_console("g", "MSHV-GUEST-READY");
    guest_says(host, "g", "while ! test -e /dev/sr0; do sleep 1; done; echo IT-IS | sed 's/$/-SO/'",
               "IT-IS-SO");
}

/// Whole sectors of a CD, all of one letter.
std::string image(Host& host, const std::string& name) {
    return host.write_file(name, std::string(1 << 20, name.front()), 0666);
}

/// The guest reads this letter from its drive; its driver may be slower than the VMM.
void guest_reads(Host& host, const std::string& name, char letter) {
    guest_says(host, name,
               "while test \"$(head -c 3 /dev/sr0 2>/dev/null)\" != " + std::string(3, letter) +
                   "; do sleep 1; done; echo IT-READS | sed 's/$/-IT/'",
               "IT-READS-IT");
}

void guest_reads_nothing(Host& host, const std::string& name) {
    guest_says(host, name,
               "while head -c 1 /dev/sr0 >/dev/null 2>&1; do sleep 1; done; "
               "head -c 1 /dev/sr0 2>&1 | tr a-z A-Z",
               "NO MEDIUM FOUND");
}

std::string medium(Host& host, const std::string& name) {
    const auto items = Json::parse(host.ok({"--json", "block-list", name}))["items"].items();
    const auto& disk = items.at(0)["disk"];
    return disk.has("path") ? disk["path"].text() : "";
}

} // namespace

BOOST_AUTO_TEST_CASE(the_guest_reads_one_medium_after_another_and_then_none) {
    Host host;
    const auto first = image(host, "first.iso");
    const auto second = image(host, "second.iso");
    create_guest(host, {drive});
    guest_reads_nothing(host, "g");
    host.ok({"cd-insert", "g", "sda", first});
    BOOST_TEST(medium(host, "g") == first);
    guest_reads(host, "g", 'f');
    // Who writes to it elsewhere would change it under the guest.
    const auto other = host.write_file(
        "other.xml", GuestXml{.name = "other", .devices = {disk_xml(first)}}.text());
    BOOST_TEST(contains(host.fails(4, {"create", other}), "by the partition 'g'"));
    host.ok({"cd-insert", "g", "sda", second});
    guest_reads(host, "g", 's');
    host.create({.name = "other", .devices = {disk_xml(first)}}); // it is free
    BOOST_TEST(
        contains(host.fails(4, {"cd-insert", "g", "sda", first}), "by the partition 'other'"));
    // Another daemon, another generation of the VMM: it is there still.
    host.kill_daemon();
    BOOST_REQUIRE(host.start_daemon());
    BOOST_TEST(medium(host, "g") == second);
    host.ok({"reset", "g"});
    host.wait_console("g", "MSHV-GUEST-READY", 2);
    guest_reads(host, "g", 's');
    host.ok({"cd-eject", "g", "sda"});
    BOOST_TEST(medium(host, "g").empty());
    guest_reads_nothing(host, "g");
    BOOST_TEST(!contains(host.ok({"dumpxml", "g"}), "second.iso"));
}

BOOST_AUTO_TEST_CASE(a_guest_that_uses_a_medium_keeps_it_unless_it_is_forced) {
    Host host;
    const auto first = image(host, "first.iso");
    const auto second = image(host, "second.iso");
    create_guest(host, {drive});
    host.ok({"cd-insert", "--live", "--config", "g", "sda", first});
    BOOST_TEST(contains(host.ok({"dumpxml", "g"}), first));
    guest_reads(host, "g", 'f');
    guest_says(host, "g", "exec 3</dev/sr0; echo IT-HOLDS | sed 's/$/-IT/'", "IT-HOLDS-IT");
    BOOST_TEST(contains(host.fails(9, {"cd-eject", "--timeout", "1", "g", "sda"}), "has locked"));
    BOOST_TEST(
        contains(host.fails(9, {"cd-insert", "--timeout", "1", "g", "sda", second}), "--force"));
    BOOST_TEST(medium(host, "g") == first);
    guest_says(host, "g", "head -c 3 <&3 | tr a-z A-Z", "FFF");
    host.ok({"cd-eject", "--force", "g", "sda"});
    BOOST_TEST(medium(host, "g").empty());
    guest_says(host, "g", "exec 3<&-; echo IT-LETS-GO | sed 's/$/-OF-IT/'", "IT-LETS-GO-OF-IT");
    guest_reads_nothing(host, "g");
    host.ok({"cd-insert", "g", "sda", second});
    guest_reads(host, "g", 's');
    // The definition has the first one still.
    host.ok({"destroy", "g"});
    BOOST_TEST(medium(host, "g") == first);
    host.ok({"cd-eject", "g", "sda"});
    BOOST_TEST(medium(host, "g").empty());
    BOOST_TEST(contains(host.fails(5, {"cd-insert", "--live", "g", "sda", first}), "not running"));
}

BOOST_AUTO_TEST_CASE(a_guest_is_saved_with_the_medium_that_it_has) {
    Host host;
    const auto first = image(host, "first.iso");
    const auto disk = host.write_file("disk", std::string(1 << 20, 'd'), 0666);
    create_guest(host, {drive, disk_xml(disk)});
    host.ok({"cd-insert", "g", "sda", first});
    guest_reads(host, "g", 'f');
    for (const auto* name : {"one.save", "two.save"}) {
        const auto file = host.path(name);
        host.ok({"save", "g", file});
        BOOST_TEST(medium(host, "g").empty());
        host.ok({"restore", file});
        BOOST_TEST(medium(host, "g") == first);
        guest_reads(host, "g", 'f');
    }
    host.ok({"cd-eject", "g", "sda"});
    guest_reads_nothing(host, "g");
    BOOST_TEST(contains(host.fails(7, {"cd-eject", "g", "vda"}), "no CD drive"));
    BOOST_TEST(contains(host.fails(1, {"cd-insert", "g", "sda", "/nowhere.iso"}), "/nowhere.iso"));
    BOOST_TEST(medium(host, "g").empty());
}
