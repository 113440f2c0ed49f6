// SPDX-License-Identifier: Apache-2.0
// One disk in each of xl's ways to write it.
#include "tests/unit/import/support.hpp"

#include <boost/test/unit_test.hpp>

using namespace mshv;
using namespace mshv::foreign::test;

namespace {

api::Disk disk(const std::string& text) {
    return imported_xl(xl_guest("disk = [ '" + text + "' ]")).devices.disks.at(0);
}

api::Nic nic(const std::string& text) {
    return imported_xl(xl_guest("vif = [ '" + text + "' ]")).devices.nics.at(0);
}

} // namespace

BOOST_AUTO_TEST_SUITE(xl_specs)

BOOST_AUTO_TEST_CASE(four_ways_to_write_one_disk) {
    const api::Disk expected = disk("/dev/vg/guest-volume,raw,xvda,rw");
    BOOST_TEST((expected.source == api::DiskSource::block));
    BOOST_TEST(expected.path == "/dev/vg/guest-volume");
    BOOST_TEST(expected.target == "vda");
    BOOST_TEST(expected.discard);
    BOOST_TEST(!expected.read_only);
    for (const char* text : {"/dev/vg/guest-volume,,xvda", "vg/guest-volume,,xvda,w",
                             "format=raw, vdev=xvda, access=rw, target=/dev/vg/guest-volume",
                             "raw:/dev/vg/guest-volume,xvda,w", "phy:/dev/vg/guest-volume,xvda,w",
                             "tap:aio:/dev/vg/guest-volume,xvda:disk,w"}) {
        BOOST_TEST((disk(text) == expected), text);
    }
}

BOOST_AUTO_TEST_CASE(five_ways_to_write_one_cd_drive) {
    const api::Disk expected = disk("/root/image.iso,,hdc,cdrom");
    BOOST_TEST((expected.device == api::DiskDevice::cdrom));
    BOOST_TEST((expected.bus == api::DiskBus::sata));
    BOOST_TEST(expected.target == "sdc");
    BOOST_TEST(expected.read_only);
    for (const char* text :
         {"/root/image.iso,,hdc,,cdrom", "/root/image.iso,raw,hdc,devtype=cdrom",
          "format=raw, vdev=hdc, access=ro, devtype=cdrom, target=/root/image.iso",
          "raw:/root/image.iso,hdc:cdrom,ro"}) {
        BOOST_TEST((disk(text) == expected), text);
    }
    BOOST_TEST(disk(",hdc:cdrom,r").path.empty());
}

BOOST_AUTO_TEST_CASE(details_of_a_disk) {
    BOOST_TEST((disk("qcow2:/srv/a,xvda,w").format == api::DiskFormat::qcow2));
    BOOST_TEST((disk("/srv/a,qcow2,xvda,r").read_only));
    BOOST_TEST(!disk("/srv/a,raw,xvda,w,no-discard").discard);
    BOOST_TEST(disk("vdev=xvda,target=/srv/a,b = c.img").path == "/srv/a,b = c.img");
    BOOST_TEST(disk("/srv/a,raw,sdb,w").target == "sdb");
    BOOST_TEST((disk("/srv/a,raw,hdb,w").bus == api::DiskBus::sata));
}

BOOST_AUTO_TEST_CASE(names_do_not_collide) {
    const auto disks =
        imported_xl(xl_guest("disk = [ '/a,raw,hda,w', '/b,raw,sda,w', '/c,raw,xvda,w' ]"))
            .devices.disks;
    BOOST_TEST(disks.at(0).target == "sda");
    BOOST_TEST(disks.at(1).target == "sdb");
    BOOST_TEST(disks.at(2).target == "vda");
}

BOOST_AUTO_TEST_CASE(interfaces) {
    const api::Nic plain = nic("");
    BOOST_TEST(plain.bridge == "xenbr0");
    BOOST_TEST((plain.model == api::NicModel::virtio));
    const api::Nic full = nic("mac=00:16:3E:74:3D:76, bridge=br1, model=e1000, mtu=9000, "
                              "vifname=web0, script=/etc/xen/scripts/vif-bridge");
    BOOST_TEST(full.mac == "00:16:3e:74:3d:76");
    BOOST_TEST(full.bridge == "br1");
    BOOST_TEST((full.model == api::NicModel::e1000));
    BOOST_TEST(full.mtu.value_or(0) == 9000U);
    BOOST_TEST(full.target == "web0");
}

BOOST_AUTO_TEST_CASE(the_kernel_is_told_the_disk_s_name) {
    const auto spec =
        imported_xl(xl_guest("disk = [ '/a,raw,xvda,w' ]\n"
                             "root = '/dev/xvda1'\nextra = 'resume=/dev/xvdb x=xvda'"));
    BOOST_TEST(spec.boot.cmdline == "root=/dev/vda1 resume=/dev/xvdb x=xvda");
}

BOOST_AUTO_TEST_SUITE_END()
