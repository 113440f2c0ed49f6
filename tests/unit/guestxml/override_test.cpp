// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/guestxml/support.hpp"

#include <boost/test/unit_test.hpp>

using namespace mshv;
using namespace mshv::guestxml;
using namespace mshv::guestxml::test;

namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

ParseResult with(const Pairs& overrides, const std::string& document = partition("")) {
    ParseOptions options;
    options.overrides = overrides;
    return parse(document, options);
}

api::PartitionSpec spec_with(const Pairs& overrides, const std::string& document = partition("")) {
    ParseResult result = with(overrides, document);
    if (!result.spec) {
        throw std::runtime_error(texts(result.problems));
    }
    return *result.spec;
}

} // namespace

BOOST_AUTO_TEST_SUITE(overrides)

BOOST_AUTO_TEST_CASE(words_set_what_they_name) {
    const api::PartitionSpec spec = spec_with({{"memory", "512M"},
                                               {"vcpus", "2"},
                                               {"name", "y"},
                                               {"kernel", "/k"},
                                               {"ramdisk", "/i"},
                                               {"extra", "a=b c"},
                                               {"type", "tcg"},
                                               {"on_crash", "restart"},
                                               {"autostart", "yes"},
                                               {"machine", "microvm"}});
    BOOST_TEST(spec.memory.size == 512ULL << 20);
    BOOST_TEST(spec.cpu.maximum == 2U);
    BOOST_TEST(spec.cpu.current == 2U);
    BOOST_TEST(spec.name == "y");
    BOOST_TEST(spec.boot.kernel == "/k");
    BOOST_TEST(spec.boot.initrd == "/i");
    BOOST_TEST(spec.boot.cmdline == "a=b c");
    BOOST_TEST((spec.accelerator == api::Accelerator::tcg));
    BOOST_TEST((spec.on_crash == api::OnEnd::restart));
    BOOST_TEST(spec.autostart.enabled);
    BOOST_TEST((spec.boot.machine == api::Machine::microvm));
}

BOOST_AUTO_TEST_CASE(every_word_leads_to_a_place) {
    for (const std::string_view word : override_words()) {
        for (const api::Problem& problem : with({{std::string(word), "?"}}).problems) {
            BOOST_TEST(problem.message.find("no setting") == std::string::npos, word);
        }
    }
}

BOOST_AUTO_TEST_CASE(paths_set_and_make) {
    const std::string document =
        partition("<devices><disk><source file='/a'/><target dev='vda'/></disk></devices>");
    const api::PartitionSpec spec = spec_with({{"devices/disk[1]/source/@file", "/b"},
                                               {"/partition/devices/disk[2]/source/@file", "/c"},
                                               {"devices/disk[2]/target/@dev", "vdb"},
                                               {"devices/interface/@type", "user"},
                                               {"mshv/restart/@policy", "always"}},
                                              document);
    BOOST_REQUIRE_EQUAL(spec.devices.disks.size(), 2U);
    BOOST_TEST(spec.devices.disks[0].path == "/b");
    BOOST_TEST(spec.devices.disks[1].path == "/c");
    BOOST_TEST(spec.devices.nics.size() == 1U);
    BOOST_TEST((spec.restart.policy == api::RestartPolicyKind::always));
}

BOOST_AUTO_TEST_CASE(own_settings_of_a_domain_go_to_its_metadata) {
    const std::string domain =
        "<domain type='kvm'><name>x</name><memory unit='MiB'>64</memory></domain>";
    BOOST_TEST(spec_with({{"autostart", "yes"}}, domain).autostart.enabled);
    const std::string full = read(data_dir() / "libvirt/with-own-settings.xml");
    const api::PartitionSpec spec = spec_with({{"mshv/autostart/@order", "3"}}, full);
    BOOST_TEST(spec.autostart.order == 3U);
    BOOST_TEST(spec.metadata.find("inv:asset") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(vcpus_means_all_of_them) {
    const std::string document = partition("<vcpu current='2'>4</vcpu>");
    BOOST_TEST(spec_with({{"vcpus", "1"}}, document).cpu.current == 1U);
    const api::PartitionSpec spec = spec_with({{"maxvcpus", "8"}}, document);
    BOOST_TEST(spec.cpu.maximum == 8U);
    BOOST_TEST(spec.cpu.current == 2U);
}

BOOST_AUTO_TEST_CASE(bad_ones_are_told_by_their_word) {
    const auto fault = [](const std::string& word, const std::string& value) {
        const ParseResult result = with({{word, value}});
        if (result.spec || result.problems.empty()) {
            throw std::runtime_error(word + " was accepted");
        }
        BOOST_TEST(result.problems[0].where == "--set " + word);
        return result.problems[0];
    };
    BOOST_TEST(fault("memory", "512").code == "E-UNIT");
    BOOST_TEST(fault("memory", "512X").code == "E-UNIT");
    BOOST_TEST(fault("memory", "lots").code == "E-TYPE");
    BOOST_TEST(fault("vcpus", "0").code == "E-RANGE");
    BOOST_TEST(fault("kernel", "vmlinuz").code == "E-TYPE");
    BOOST_TEST(fault("kernel", "/a\nb").code == "E-TYPE");
    BOOST_TEST(fault("name", std::string("a\0b", 3)).code == "E-TYPE");
    BOOST_TEST(fault("on_reboot", "restrat").hint == "did you mean 'restart'?");
    BOOST_TEST(fault("memroy", "1G").hint == "did you mean 'memory'?");
    BOOST_TEST(fault("devices/dsik/@type", "file").hint == "did you mean 'disk'?");
    BOOST_TEST(fault("devices/disk[3]/@type", "file").code == "E-RANGE");
    BOOST_TEST(fault("devices/disk[x]/@type", "file").code == "E-ELEMENT");
    BOOST_TEST(fault("os/@firmwaer", "efi").hint == "did you mean 'firmware'?");
    BOOST_TEST(fault("vcpu/@cpuset", "x").code == "E-TYPE");
    BOOST_TEST(fault("maxMemory", "1G").code == "E-UNSUPPORTED");
    BOOST_TEST(fault("devices", "x").code == "E-ELEMENT");
    BOOST_TEST(fault("/", "x").code == "E-ELEMENT");
    BOOST_TEST(fault("devices/*/address", "x").code == "E-ELEMENT");
}

BOOST_AUTO_TEST_CASE(a_conflict_with_the_document_names_both) {
    const ParseResult result =
        with({{"vcpus", "3"}},
             partition("<vcpu>4</vcpu><cpu><topology sockets='1' cores='4' threads='1'/></cpu>"));
    BOOST_REQUIRE_EQUAL(result.problems.size(), 1U);
    BOOST_TEST(result.problems[0].code == "E-CONFLICT");
    BOOST_TEST(result.problems[0].message.find("--set vcpus") != std::string::npos);
    BOOST_TEST(result.problems[0].line == 4);
}

BOOST_AUTO_TEST_SUITE_END()
