// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/guestxml/support.hpp"

#include <boost/test/unit_test.hpp>

using namespace mshv;
using namespace mshv::guestxml;
using namespace mshv::guestxml::test;

BOOST_AUTO_TEST_SUITE(accept)

BOOST_AUTO_TEST_CASE(every_sample_is_accepted_without_a_word) {
    const auto samples = documents(source_dir() / "configs/guests");
    BOOST_TEST(samples.size() >= 8U);
    for (const auto& path : samples) {
        const ParseResult result = parse(read(path));
        BOOST_TEST(result.problems.empty(), path << "\n" << texts(result.problems));
        BOOST_REQUIRE(result.spec);
        BOOST_TEST((accepted(to_xml(*result.spec)) == *result.spec), path);
        BOOST_TEST(to_xml(accepted(to_xml(*result.spec))) == to_xml(*result.spec));
    }
}

BOOST_AUTO_TEST_CASE(the_least_document_has_the_defaults_of_the_spec) {
    api::PartitionSpec expected;
    expected.name = "x";
    expected.memory.size = 64ULL << 20;
    BOOST_TEST((accepted(partition("")) == expected));
}

BOOST_AUTO_TEST_CASE(a_disk_is_read_whole) {
    const api::PartitionSpec spec = accepted(read(source_dir() / "configs/guests/disk-boot.xml"));
    BOOST_REQUIRE_EQUAL(spec.devices.disks.size(), 2U);
    const api::Disk& disk = spec.devices.disks[0];
    BOOST_TEST((disk.source == api::DiskSource::block));
    BOOST_TEST(disk.path == "/dev/vg0/disk-boot");
    BOOST_TEST(disk.target == "vda");
    BOOST_TEST(disk.discard);
    BOOST_TEST(disk.boot_order.value_or(0) == 1U);
    const api::Disk& drive = spec.devices.disks[1];
    BOOST_TEST((drive.device == api::DiskDevice::cdrom));
    BOOST_TEST((drive.bus == api::DiskBus::sata));
    BOOST_TEST(drive.read_only);
    BOOST_TEST(spec.boot.menu_timeout_ms.value_or(0) == 3000U);
    BOOST_TEST(spec.devices.graphics.has_value());
}

BOOST_AUTO_TEST_CASE(own_settings_are_read) {
    const api::PartitionSpec spec = accepted(read(source_dir() / "configs/guests/autostart.xml"));
    BOOST_TEST(spec.autostart.enabled);
    BOOST_TEST(spec.autostart.order == 20U);
    BOOST_REQUIRE_EQUAL(spec.autostart.after.size(), 1U);
    BOOST_TEST(spec.autostart.after[0].partition == "dns0");
    BOOST_TEST(spec.autostart.require_mounts.at(0) == "/var/lib/mshv");
    BOOST_TEST((spec.shutdown.escalate == api::Escalate::destroy));
    BOOST_TEST((spec.restart.policy == api::RestartPolicyKind::on_failure));
    BOOST_TEST(spec.protect_delete);
    BOOST_TEST(spec.labels.at("role") == "web");
    BOOST_TEST(spec.devices.agent_channel);
}

BOOST_AUTO_TEST_CASE(a_backing_chain_is_read_nearest_first) {
    const api::PartitionSpec spec = accepted(partition(
        "<devices><disk><driver type='qcow2'/><source file='/a'/><backingStore>"
        "<backingStore type='block'><source dev='/dev/c'/><format type='raw'/><backingStore/>"
        "</backingStore><format type='qcow2'/><source file='/b'/></backingStore>"
        "<target dev='sda'/></disk></devices>"));
    const api::Disk& disk = spec.devices.disks.at(0);
    BOOST_REQUIRE_EQUAL(disk.backing.size(), 2U);
    BOOST_TEST(disk.backing[0].path == "/b");
    BOOST_TEST((disk.backing[0].format == api::DiskFormat::qcow2));
    BOOST_TEST(disk.backing[1].path == "/dev/c");
    BOOST_TEST((disk.bus == api::DiskBus::sata));
}

BOOST_AUTO_TEST_CASE(acpi_is_off_only_where_features_stand_without_it) {
    BOOST_TEST(accepted(partition("")).acpi);
    BOOST_TEST(accepted(partition("<features><acpi/></features>")).acpi);
    BOOST_TEST(!accepted(partition("<features/>")).acpi);
}

BOOST_AUTO_TEST_CASE(serial_and_the_console_on_it_are_one) {
    const auto console = [](const std::string& body) {
        return accepted(partition("<devices>" + body + "</devices>")).devices.console;
    };
    BOOST_TEST(!console("").has_value());
    BOOST_TEST((console("<serial/><console/>")->target == api::ConsoleTarget::serial));
    BOOST_TEST((console("<console type='pty'><target type='virtio'/></console>")->target ==
                api::ConsoleTarget::virtio));
    BOOST_TEST(!parse(partition("<devices><serial/><console><target type='virtio'/></console>"
                                "</devices>"))
                    .spec);
}

BOOST_AUTO_TEST_CASE(a_libvirt_document_needs_compat_for_spice_only) {
    const std::string document = read(data_dir() / "libvirt/virt-install.xml");
    const ParseResult strict = parse(document);
    BOOST_TEST(!strict.spec);
    for (const api::Problem& problem : strict.problems) {
        BOOST_TEST((problem.warning || problem.code == "E-UNSUPPORTED"), problem.message);
    }
    ParseOptions options;
    options.compat_libvirt = true;
    const ParseResult compat = parse(document, options);
    BOOST_REQUIRE_MESSAGE(compat.spec, texts(compat.problems));
    const auto dropped =
        std::count_if(compat.problems.begin(), compat.problems.end(),
                      [](const api::Problem& problem) { return problem.code == "W-DROPPED"; });
    BOOST_TEST(dropped == 5);
    BOOST_TEST((compat.spec->accelerator == api::Accelerator::kvm));
    BOOST_TEST(compat.spec->memory.size == 2ULL << 30);
    BOOST_TEST(compat.spec->metadata.find("libosinfo:os id=") != std::string::npos);
    BOOST_TEST((accepted(to_xml(*compat.spec)) == *compat.spec));
}

BOOST_AUTO_TEST_CASE(own_settings_of_a_domain_stand_in_its_metadata) {
    const api::PartitionSpec spec = accepted(read(data_dir() / "libvirt/with-own-settings.xml"));
    BOOST_TEST((spec.accelerator == api::Accelerator::mshv));
    BOOST_TEST(spec.autostart.enabled);
    BOOST_TEST(spec.autostart.order == 7U);
    BOOST_TEST(spec.labels.at("role") == "web");
    BOOST_TEST(spec.metadata ==
               "\n    <inv:asset xmlns:inv='urn:example:inventory' rack='r12'/>\n  ");
}

BOOST_AUTO_TEST_CASE(metadata_is_kept_byte_for_byte) {
    const std::string inner =
        "<a:b xmlns:a='urn:a'  x=\"1\">\n&#233;<!-- c --><![CDATA[<]]></a:b> ";
    const api::PartitionSpec spec = accepted(partition("<metadata>" + inner + "</metadata>"));
    BOOST_TEST(spec.metadata == inner);
    BOOST_TEST(accepted(to_xml(spec)).metadata == inner);
}

BOOST_AUTO_TEST_CASE(memory_is_rounded_up_with_a_warning) {
    const ParseResult result =
        parse("<partition><name>x</name><memory unit='KB'>65537</memory></partition>");
    BOOST_REQUIRE(result.spec);
    BOOST_TEST(result.spec->memory.size == 63ULL << 20);
    BOOST_REQUIRE_EQUAL(result.problems.size(), 1U);
    BOOST_TEST(result.problems[0].code == "W-ROUNDED");
    BOOST_TEST(result.problems[0].warning);
}

BOOST_AUTO_TEST_SUITE_END()
