// SPDX-License-Identifier: Apache-2.0
//
// cloud-init's seed, as a real guest finds it.
#include "tests/e2e/lib/host.hpp"
#include "tests/e2e/lib/program.hpp"
#include "tests/e2e/lib/shell.hpp"

#include <boost/test/unit_test.hpp>

using namespace mshv::e2e;

namespace {

const std::string uuid = "5eedf00d-0000-4000-8000-00000000c1d0";

/// What the guest's kernel calls the disk, and its files below /mnt.
const std::string device = "/dev/$(grep -l cidata /sys/block/*/serial | cut -d/ -f4)";
const std::string mount_it = "mkdir -p /mnt; mount -t iso9660 -o ro " + device + " /mnt; ";

/// The guest mounts the disk with the label cidata and shows a file of it between marks.
void guest_reads(Host& host, const std::string& file, const std::string& wanted) {
    guest_says(host, "g",
               mount_it + "(echo 'IT SAYS'; cat /mnt/" + file +
                   "; echo '.'; umount /mnt) | tr '\\n' '~' | sed 's/IT SAYS/IT-SAYS/'",
               "IT-SAYS~" + wanted + ".~");
}

/// The bytes themselves.
void guest_has(Host& host, const std::string& file, const std::string& sum) {
    guest_says(host, "g", mount_it + "sha256sum < /mnt/" + file + " | sed 's/^/SUM-/'; umount /mnt",
               "SUM-" + sum);
}

std::string sha256(const std::string& path) {
    Program program({"/usr/bin/sha256sum", path}, {});
    return program.wait_for("\n", soon()).substr(0, 64);
}

GuestXml guest(const std::string& seed, const std::vector<std::string>& devices = {}) {
    return {.name = "g",
            .steps = "shell",
            .uuid = uuid,
            .devices = devices,
            .mshv = {"<cloudinit>" + seed + "</cloudinit>"}};
}

} // namespace

BOOST_AUTO_TEST_CASE(a_guest_mounts_its_seed_and_finds_its_documents) {
    Host host;
    const auto disk = host.write_file("disk", std::string(1 << 20, 'd'), 0666);
    std::string network;
    for (int i = 0; i < 3000; ++i) {
        network += "# line " + std::to_string(i) + " of a long document\n";
    }
    const auto file = host.write_file("net", network, 0600); // which the VMM's user cannot read
    host.create(guest("<userdata><![CDATA[#cloud-config\nruncmd: [\"echo <a> & b\"]\n]]></userdata>"
                      "<networkconfig file='" +
                          file + "'/>",
                      {disk_xml(disk)}),
                {"--define"});
    host.wait_console("g", "MSHV-GUEST-READY");
    guest_reads(host, "user-data", "#cloud-config~runcmd: [\"echo <a> & b\"]~");
    guest_reads(host, "meta-data", "instance-id: " + uuid + "~local-hostname: \"g\"~");
    guest_has(host, "network-config", sha256(file));
    // It is none of the guest's disks, for neither side.
    guest_says(host, "g", "head -c 3 /dev/vda | tr a-z A-Z", "DDD");
    guest_says(host, "g", "echo x > " + device + " || echo READ-ON | sed 's/$/LY/'", "READ-ONLY");
    BOOST_TEST(!contains(host.ok({"block-list", "g"}), "seed"));
    // Another generation of the VMM, with the daemon gone and its file too.
    host.write_file("net", "other\n");
    host.kill_daemon();
    BOOST_REQUIRE(host.start_daemon());
    host.ok({"reset", "g"});
    host.wait_console("g", "MSHV-GUEST-READY", 2);
    guest_reads(host, "user-data", "#cloud-config~runcmd: [\"echo <a> & b\"]~");
    // Another start reads the file anew.
    host.ok({"destroy", "g"});
    host.ok({"start", "g"});
    host.wait_console("g", "MSHV-GUEST-READY");
    guest_reads(host, "network-config", "other~");
    const auto xml = host.ok({"dumpxml", "g"});
    BOOST_TEST(contains(xml, "<userdata>#cloud-config\nruncmd"));
    BOOST_TEST(contains(xml, "<networkconfig file='" + file + "'/>"));
}

BOOST_AUTO_TEST_CASE(a_saved_guest_has_the_seed_that_it_had) {
    Host host;
    host.create(guest("<userdata>text</userdata><metadata>instance-id: mine</metadata>"),
                {"--define"});
    host.wait_console("g", "MSHV-GUEST-READY");
    guest_reads(host, "user-data", "text");
    const auto file = host.path("g.save");
    host.ok({"save", "g", file});
    host.ok({"restore", file});
    guest_says(host, "g", "echo 3 > /proc/sys/vm/drop_caches; echo DROPPED | sed 's/$/-IT/'",
               "DROPPED-IT");
    guest_reads(host, "meta-data", "instance-id: mine");
    guest_reads(host, "user-data", "text");
}

BOOST_AUTO_TEST_CASE(a_document_that_is_not_there_is_said_and_nothing_is_left) {
    Host host;
    const auto file =
        host.write_file("g.xml", guest("<userdata file='" + host.path("none") + "'/>").text());
    const auto error = host.fails(1, {"create", file});
    BOOST_TEST(contains(error, host.path("none") + " for cloud-init's user-data"));
    BOOST_TEST(!host.exists("g"));
}
