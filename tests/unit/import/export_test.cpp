// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/import/support.hpp"

#include <boost/test/unit_test.hpp>

using namespace mshv;
using namespace mshv::foreign;
using namespace mshv::foreign::test;

namespace {

api::PartitionSpec least() {
    api::PartitionSpec spec;
    spec.name = "x";
    spec.memory.size = 64ULL << 20;
    return spec;
}

void comes_back(const api::PartitionSpec& spec) {
    const Exported out = to_libvirt(spec);
    const Imported back = import_libvirt(out.xml);
    BOOST_TEST(back.spec.has_value(), out.xml << report_of(back.problems, out.xml));
    BOOST_TEST((back.spec == spec), out.xml);
    // An import without a word: nothing of it was lost.
    BOOST_TEST(back.problems.empty(), report_of(back.problems, out.xml));
    BOOST_TEST(to_libvirt(*back.spec).xml == out.xml);
}

bool contains(const std::string& text, std::string_view what) {
    return text.find(what) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_SUITE(exports)

BOOST_AUTO_TEST_CASE(every_sample_comes_back) {
    const auto samples = documents("configs/guests", ".xml");
    BOOST_TEST(samples.size() >= 8U);
    for (const auto& path : samples) {
        comes_back(*guestxml::parse(read(path)).spec);
    }
}

BOOST_AUTO_TEST_CASE(what_libvirt_has_no_word_for_is_kept) {
    api::PartitionSpec spec = least();
    spec.devices.panic = false;
    spec.metadata = "\n    <a xmlns='urn:a'/>\n  ";
    spec.autostart.enabled = true;
    spec.labels["role"] = "a <b> & 'c'";
    spec.devices.graphics.emplace();
    comes_back(spec);
    const Exported out = to_libvirt(spec);
    BOOST_TEST(contains(out.xml, "<domain type='hyperv'>"));
    BOOST_TEST(contains(out.xml, "<domain accelerator='auto' panic='none'/>"));
    BOOST_TEST(contains(out.xml, "<listen type='socket'/>"));
    BOOST_TEST(contains(out.xml, "<model type='none'/>"));
    BOOST_TEST(!contains(out.xml, "<mshv"));
    BOOST_TEST(!contains(out.xml, "<panic"));
    BOOST_REQUIRE_EQUAL(out.losses.size(), 3U);
    for (const api::Problem& problem : out.losses) {
        BOOST_TEST(problem.warning);
        BOOST_TEST(problem.line == 0);
    }
}

BOOST_AUTO_TEST_CASE(the_type_is_the_accelerator) {
    api::PartitionSpec spec = least();
    for (const auto& [accelerator, word] :
         {std::pair(api::Accelerator::mshv, "hyperv"), std::pair(api::Accelerator::kvm, "kvm"),
          std::pair(api::Accelerator::tcg, "qemu")}) {
        spec.accelerator = accelerator;
        const Exported out = to_libvirt(spec);
        BOOST_TEST(contains(out.xml, "<domain type='" + std::string(word) + "'>"));
        BOOST_TEST(out.losses.empty());
        comes_back(spec);
    }
    ExportOptions options;
    options.domain_type = "kvm";
    spec.accelerator = api::Accelerator::automatic;
    const Exported out = to_libvirt(spec, options);
    BOOST_TEST(contains(out.xml, "<domain type='kvm'>"));
    BOOST_TEST(out.losses.empty());
    BOOST_TEST((import_libvirt(out.xml).spec == spec));
}

BOOST_AUTO_TEST_CASE(firmware_that_is_named_is_not_chosen) {
    api::PartitionSpec spec = least();
    spec.boot.firmware = api::Firmware::efi;
    spec.boot.loader = "/usr/share/OVMF/OVMF_CODE_4M.fd";
    comes_back(spec);
    BOOST_TEST(!contains(to_libvirt(spec).xml, "firmware="));
}

BOOST_AUTO_TEST_CASE(a_loss_has_its_place_in_the_document) {
    const std::string document = "<partition type='kvm'>\n<name>x</name>\n"
                                 "<memory unit='MiB'>64</memory>\n<mshv>\n"
                                 "  <autostart enabled='yes'/>\n</mshv>\n</partition>\n";
    ExportOptions options;
    options.file_name = "x.xml";
    options.document = document;
    const Exported out = to_libvirt(*guestxml::parse(document).spec, options);
    BOOST_REQUIRE_EQUAL(out.losses.size(), 1U);
    BOOST_TEST(guestxml::format_problem(out.losses[0], document) ==
               "x.xml:5:4: warning[W-LOSS]: /partition/mshv/autostart: libvirt keeps it in "
               "<metadata> and does not act on it\n"
               "    <autostart enabled='yes'/>\n     ^^^^^^^^^\n  hint: virsh autostart\n");
}

BOOST_AUTO_TEST_SUITE_END()
