// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/mshvctl/harness.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace mshv;
using test::partition_json;
using test::ProgramFixture;

constexpr const char* guest =
    "name = 'web'\ntype = 'pvh'\nmemory = 64\nkernel = '/k'\npci = [ '01:00.0' ]\n";

bool contains(const std::string& text, std::string_view what) {
    return text.find(what) != std::string::npos;
}

struct ImportFixture : ProgramFixture {
    ImportFixture() { posix::replace_file(file, guest); }
    std::string file = folder / "web.cfg";
};

BOOST_FIXTURE_TEST_SUITE(program_import, ImportFixture)

BOOST_AUTO_TEST_CASE(a_loss_is_an_error_until_it_is_accepted) {
    const auto refused = run({"import", "xl", file});
    BOOST_TEST(refused.status == 6);
    BOOST_TEST(refused.out.empty());
    BOOST_TEST(contains(refused.err, "web.cfg:5:9: error[E-UNSUPPORTED]: key 'pci[1]': "));
    BOOST_TEST(contains(refused.err, "--accept=pci[1] leaves it out"));
    BOOST_TEST(contains(refused.err, "web.cfg cannot be imported: 1 error\n"));
    const auto accepted = run({"import", "xl", "--accept", "pci", file});
    BOOST_TEST(accepted.status == 0);
    BOOST_TEST(accepted.out.starts_with("<partition>\n  <name>web</name>\n"));
    BOOST_TEST(contains(accepted.err, "warning[W-LOSS]: key 'pci[1]'"));
    BOOST_TEST(daemon.requests().empty());
}

BOOST_AUTO_TEST_CASE(the_report_as_json) {
    const auto accepted = run({"--json", "import", "xl", "--accept=pci", file});
    BOOST_TEST(accepted.status == 0);
    BOOST_TEST(accepted.err.empty());
    BOOST_TEST(accepted.out.starts_with(R"({"schema":"mshvctl.import/1","from":"xl","xml":")"));
    BOOST_TEST(contains(accepted.out, R"("spec":{)"));
    BOOST_TEST(contains(accepted.out, R"("where":"key 'pci[1]'")"));
    const auto refused = run({"--json", "import", "xl", file});
    BOOST_TEST(refused.status == 6);
    BOOST_TEST(refused.out.empty());
    BOOST_TEST(contains(refused.err, R"("code":"E-UNSUPPORTED")"));
    BOOST_TEST(contains(refused.err, R"("line":5,"column":9)"));
}

BOOST_AUTO_TEST_CASE(to_a_file_and_back) {
    const std::string native = folder / "web.xml";
    const auto made = run({"import", "xl", "--accept=all", "-o", native, file});
    BOOST_TEST(made.status == 0);
    BOOST_TEST(made.out == "Wrote " + native + "\n");
    BOOST_TEST(run({"check", "-q", native}).status == 0);
    const auto out = run({"export", "libvirt", "--type", "kvm", native});
    BOOST_TEST(out.status == 0);
    BOOST_TEST(out.out.starts_with("<domain type='kvm'>\n"));
    const std::string domain = folder / "web-domain.xml";
    BOOST_TEST(run({"-q", "export", "libvirt", native, "-o", domain}).status == 2);
    BOOST_TEST(run({"export", "-q", "libvirt", native, "-o", domain}).out.empty());
    BOOST_TEST(run({"import", "libvirt", domain}).out == posix::read_file(native, 1 << 20));
    BOOST_TEST(run({"import", "xl", "--accept=all", "-o", "/absent/web.xml", file}).status == 1);
    BOOST_TEST(run({"-N", "import", "xl", "--accept=all", "-o", folder / "none.xml", file})
                   .out.starts_with("<partition>"));
    BOOST_TEST(run({"check", folder / "none.xml"}).status == 3);
}

BOOST_AUTO_TEST_CASE(defines_at_once) {
    daemon.on("POST /v1/partitions", 201, partition_json(3, "web", "shutoff"));
    const auto made = run({"import", "xl", "--accept=pci", "--define", file});
    BOOST_TEST(made.status == 0);
    BOOST_TEST(made.out == "Defined partition web, number 3\n");
    BOOST_TEST(contains(daemon.requests().at(0), R"("mode":"define")"));
    BOOST_TEST(contains(daemon.requests().at(0), "<partition>"));
    const auto json = run({"--json", "import", "xl", "--accept=pci", "--define", file});
    BOOST_TEST(contains(json.out, R"("partition":{)"));
    BOOST_TEST(contains(json.out, R"("problems":[{)"));
    BOOST_TEST(run({"import", "xl", "--define", file}).status == 6);
    BOOST_TEST(daemon.requests().size() == 2U);
}

BOOST_AUTO_TEST_CASE(misuse) {
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{{"import", "vmx", file},
                                               {"import", "xl"},
                                               {"import", "xl", "--replace", file},
                                               {"import", "xl", "--define", "-o", "x", file},
                                               {"import", "xl", "--compat", "libvirt", file},
                                               {"import", "xl", "--bridge", "a=b", file},
                                               {"import", "libvirt", "--bridge", "a", file},
                                               {"import", "xl", "--set", "memory", file},
                                               {"export", "xl", file},
                                               {"export", "libvirt", "--type", "xen", file}}) {
        BOOST_TEST(run(words).status == 2, words.at(1));
    }
    BOOST_TEST(run({"import", "xl", "/absent"}).status == 3);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
