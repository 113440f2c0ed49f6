// SPDX-License-Identifier: Apache-2.0
//
// Guests of other toolstacks: imported, and then run.
#include "tests/e2e/lib/host.hpp"
#include "tests/e2e/lib/installation.hpp"

#include <boost/test/unit_test.hpp>
#include <filesystem>

using namespace mshv::e2e;
namespace fs = std::filesystem;

namespace {

std::string xl_guest(const std::string& name, const std::string& disk,
                     const std::string& more = {}) {
    return "name = '" + name + "'\ntype = 'pvh'\nmemory = 128\nvcpus = 1\nkernel = '" +
           guest_kernel() + "'\nramdisk = '" + guest_initrd() +
           "'\nroot = '/dev/xvda'\nextra = 'no_timer_check console=hvc0 quiet mshv.test=line'\n"
           "disk = [ 'phy:" +
           disk + ",xvda,w' ]\n" + more;
}

std::string domain(const std::string& name, const std::string& disk) {
    return "<domain type='qemu'>\n  <name>" + name +
           "</name>\n  <memory unit='MiB'>128</memory>\n  <vcpu placement='static'>1</vcpu>\n"
           "  <os>\n    <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>\n    <kernel>" +
           guest_kernel() + "</kernel>\n    <initrd>" + guest_initrd() +
           "</initrd>\n    <cmdline>no_timer_check console=ttyS0 quiet mshv.test=line</cmdline>\n"
           "  </os>\n  <features><acpi/><apic/></features>\n  <devices>\n"
           "    <disk type='file' device='disk'>\n      <driver name='qemu' type='raw'/>\n"
           "      <source file='" +
           disk +
           "'/>\n      <target dev='vda' bus='virtio'/>\n    </disk>\n"
           "    <controller type='usb' model='ich9-ehci1'/>\n"
           "    <serial type='pty'><target port='0'/></serial>\n"
           "    <console type='pty'><target type='serial' port='0'/></console>\n"
           "    <memballoon model='virtio'/>\n  </devices>\n</domain>\n";
}

std::string empty_disk(Host& host, const std::string& name) {
    return host.write_file(name, std::string(1 << 20, '\0'), 0666);
}

void boots_and_ends(Host& host, const std::string& name) {
    host.wait_console(name, "MSHV-GUEST-WAITS");
    host.ok({"destroy", name});
}

} // namespace

BOOST_AUTO_TEST_CASE(an_xl_guest_boots) {
    Host host;
    const auto file = host.write_file("web.cfg", xl_guest("web", empty_disk(host, "web.img")));
    const auto told = host.ctl({"import", "xl", "--set", "type=tcg", "--define", file});
    BOOST_TEST(told.status == 0, told.err);
    BOOST_TEST(contains(told.out, "Defined partition web"));
    BOOST_TEST(contains(told.err, "web.cfg:9:"));
    BOOST_TEST(contains(host.ok({"dumpxml", "web"}), "root=/dev/vda"));
    host.ok({"start", "web"});
    boots_and_ends(host, "web");
    host.ok({"undefine", "web"});
}

BOOST_AUTO_TEST_CASE(a_loss_is_accepted_or_nothing_happens) {
    Host host;
    const auto file = host.write_file(
        "lossy.cfg", xl_guest("lossy", empty_disk(host, "lossy.img"), "pci = [ '01:00.0' ]\n"));
    const auto err = host.fails(6, {"import", "xl", "--define", file});
    BOOST_TEST(contains(err, "lossy.cfg:10:9: error[E-UNSUPPORTED]: key 'pci[1]'"));
    BOOST_TEST(!host.exists("lossy"));
    const auto xml = host.path("lossy.xml");
    host.ok({"import", "xl", "--accept", "pci", "--set", "type=tcg", "-o", xml, file});
    host.ok({"check", xml});
    host.ok({"create", xml});
    boots_and_ends(host, "lossy");

    const auto json = Json::parse(host.ok({"--json", "import", "xl", "--accept", "all", file}));
    BOOST_TEST(json["schema"].text() == "mshvctl.import/1");
    BOOST_TEST(json["spec"]["name"].text() == "lossy");
    bool found = false;
    for (const auto& problem : json["problems"].items()) {
        found = found || (problem["where"].text() == "key 'pci[1]'" && problem["warning"].flag() &&
                          problem["line"].number() == 10);
    }
    BOOST_TEST(found);
}

BOOST_AUTO_TEST_CASE(a_libvirt_domain_boots_and_goes_back) {
    Host host;
    const auto text = domain("dom", empty_disk(host, "dom.img"));
    BOOST_TEST(contains(host.fails(6, {"check", "-"}, text), "pc-q35-7.2"));
    const auto native = host.ok({"import", "libvirt", "-"}, text);
    host.ok({"create", "--define", "-"}, native);
    host.wait_console("dom", "MSHV-GUEST-WAITS");
    // What goes to libvirt and comes back is what mshvd has, as far as a document says it.
    const auto there = host.ok({"export", "libvirt", "dom"});
    BOOST_TEST(contains(there, "<domain type='qemu'>"));
    const auto kept = host.ok({"define", "-n", "-"}, host.ok({"dumpxml", "dom"}));
    BOOST_TEST(host.ok({"import", "libvirt", "-"}, there) == kept);
    host.ok({"destroy", "dom"});
    host.ok({"undefine", "dom"});
    // And as it is, a <domain> is a guest.
    host.ok({"create", "-"}, there);
    boots_and_ends(host, "dom");
}

BOOST_AUTO_TEST_CASE(hostile_files_are_refused) {
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator(source_path("tests/data/guestxml/invalid"))) {
        for (const char* from : {"xl", "libvirt"}) {
            const auto outcome = run({mshvctl_path(), "import", from, entry.path().string()});
            BOOST_TEST(outcome.status == 6, entry.path() << ": " << outcome.err);
            BOOST_TEST(outcome.out.empty(), entry.path());
            BOOST_TEST(!contains(outcome.err, "\033"), entry.path());
            ++count;
        }
    }
    BOOST_TEST(count >= 120U);
    BOOST_TEST(run({mshvctl_path(), "import", "xl", "/absent.cfg"}).status == 3);
    BOOST_TEST(run({mshvctl_path(), "import", "vmx", "-"}).status == 2);
    BOOST_TEST(run({mshvctl_path(), "import", "xl", "--bridge", "x", "-"}).status == 2);
}
