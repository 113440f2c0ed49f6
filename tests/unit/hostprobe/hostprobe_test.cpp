// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/hostprobe/hostprobe.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <map>
#include <set>

namespace {

using namespace mshv::hostprobe; // NOLINT: a test of that namespace

/// The leaves of another machine.
class Leaves {
public:
    Leaves& set(std::uint32_t leaf, CpuidLeaf value) {
        leaves_[leaf] = value;
        return *this;
    }
    [[nodiscard]] CpuidReader reader() const {
        return [leaves = leaves_](std::uint32_t leaf) {
            const auto found = leaves.find(leaf);
            return found == leaves.end() ? CpuidLeaf{} : found->second;
        };
    }

private:
    std::map<std::uint32_t, CpuidLeaf> leaves_;
};

constexpr std::uint32_t hypervisor_bit = 1U << 31U;

Leaves microsoft(std::uint32_t privileges_high) {
    Leaves leaves;
    leaves.set(1, {0, 0, hypervisor_bit, 0});
    leaves.set(0x40000000, {0x4000000c, 0x7263694d, 0x666f736f, 0x76482074}); // "Microsoft Hv"
    leaves.set(0x40000001, {0x31237648, 0, 0, 0});
    leaves.set(0x40000002, {26100, 10U << 16U | 0U, 0, 1});
    leaves.set(0x40000003, {0x2e7f, privileges_high, 0, 0});
    return leaves;
}

bool has(const std::vector<std::string>& list, const std::string& word) {
    return std::find(list.begin(), list.end(), word) != list.end();
}

Verdict verdict(const std::vector<Check>& checks, const std::string& id) {
    const auto found =
        std::find_if(checks.begin(), checks.end(), [&](const Check& c) { return c.id == id; });
    BOOST_REQUIRE_MESSAGE(found != checks.end(), "no check " << id);
    return found->verdict;
}

} // namespace

BOOST_AUTO_TEST_CASE(the_root_partition_is_known_by_its_privileges) {
    constexpr std::uint32_t create_and_manage = 1U << 0U | 1U << 12U;
    const auto facts = decode_hypervisor(microsoft(create_and_manage).reader());
    BOOST_TEST(facts.present);
    BOOST_TEST(facts.microsoft);
    BOOST_TEST(facts.root);
    BOOST_TEST(facts.vendor == "Microsoft Hv");
    BOOST_TEST(facts.version == "10.0.26100.1");
    BOOST_TEST(has(facts.privileges, "CreatePartitions"));
    BOOST_TEST(has(facts.privileges, "CpuManagement"));
    BOOST_TEST(!has(facts.privileges, "Debugging"));
}

BOOST_AUTO_TEST_CASE(a_guest_of_the_microsoft_hypervisor_is_no_root) {
    const auto facts = decode_hypervisor(microsoft(0).reader());
    BOOST_TEST(facts.microsoft);
    BOOST_TEST(!facts.root);
    BOOST_TEST(facts.why == "it may not create partitions: it is a guest");
    BOOST_TEST(!decode_hypervisor(microsoft(1).reader()).root);
}

BOOST_AUTO_TEST_CASE(others_are_named) {
    Leaves kvm;
    kvm.set(1, {0, 0, hypervisor_bit, 0});
    kvm.set(0x40000000, {0x40000010, 0x4b4d564b, 0x564b4d56, 0x4d}); // "KVMKVMKVM\0\0\0"
    kvm.set(0x40000010, {2'596'146, 0, 0, 0});
    const auto facts = decode_hypervisor(kvm.reader());
    BOOST_TEST(facts.vendor == "KVMKVMKVM");
    BOOST_TEST(!facts.microsoft);
    BOOST_TEST(facts.tsc_khz == 2'596'146U);
    BOOST_TEST(!decode_hypervisor(Leaves().reader()).present);
    // The vendor string alone, as others show it to please Windows.
    Leaves mask = kvm;
    mask.set(0x40000000, {0x40000000, 0x7263694d, 0x666f736f, 0x76482074});
    BOOST_TEST(!decode_hypervisor(mask.reader()).microsoft);
}

BOOST_AUTO_TEST_CASE(a_device_says_why_it_does_not_open) {
    BOOST_TEST(probe_device("/dev/null").openable);
    BOOST_TEST(probe_device("/no/such").why == "/no/such does not exist");
    BOOST_TEST(!probe_device("/tmp").openable);
}

BOOST_AUTO_TEST_CASE(this_host_is_probed_in_bounded_time) {
    using Clock = std::chrono::steady_clock;
    const auto start = Clock::now();
    auto facts = probe(mshv::posix::Deadline::after(std::chrono::seconds(2)));
    facts.vmm = probe_vmm(usual_vmms, mshv::posix::Deadline::after(std::chrono::seconds(10)));
    BOOST_TEST((Clock::now() - start < std::chrono::seconds(10)));
    BOOST_TEST(!facts.system.kernel.empty());
    BOOST_TEST(facts.system.cpus_online > 0U);
    BOOST_TEST(facts.system.memory_total > 0U);
    BOOST_TEST(!facts.kvm.why.empty());
    const auto checks = run_checks(facts);
    std::set<std::string> ids;
    for (const auto& check : checks) {
        BOOST_TEST(!check.what.empty(), check.id);
        ids.insert(check.id);
        if (check.verdict == Verdict::warn || check.verdict == Verdict::fail) {
            BOOST_TEST(!check.fix.empty(), check.id);
        }
    }
    BOOST_TEST(ids.size() == checks.size());
}

BOOST_AUTO_TEST_CASE(verdicts_follow_the_facts) {
    HostFacts facts;
    facts.hypervisor = decode_hypervisor(microsoft(1U | 1U << 12U).reader());
    facts.mshv.why = "/dev/mshv does not exist";
    facts.kvm.why = "/dev/kvm does not exist";
    auto checks = run_checks(facts);
    BOOST_TEST((verdict(checks, "hypervisor") == Verdict::ok));
    BOOST_TEST((verdict(checks, "dev-mshv") == Verdict::fail));
    BOOST_TEST((verdict(checks, "accelerator") == Verdict::warn));
    facts.mshv.openable = facts.mshv.exists = true;
    facts.mshv.mode = 0600;
    checks = run_checks(facts);
    BOOST_TEST((verdict(checks, "dev-mshv") == Verdict::warn));
    BOOST_TEST((verdict(checks, "scheduler") == Verdict::info));
    BOOST_TEST((verdict(checks, "partitions") == Verdict::info));
    facts.mshv.mode = 0660;
    facts.system.scheduler = "root";
    facts.system.lists_partitions = true;
    checks = run_checks(facts);
    BOOST_TEST((verdict(checks, "dev-mshv") == Verdict::ok));
    BOOST_TEST((verdict(checks, "scheduler") == Verdict::ok));
    BOOST_TEST((verdict(checks, "partitions") == Verdict::ok));
    BOOST_TEST((verdict(checks, "accelerator") == Verdict::ok));
    facts.hypervisor = {};
    facts.mshv = {};
    facts.mshv.why = "/dev/mshv does not exist";
    BOOST_TEST((verdict(run_checks(facts), "dev-mshv") == Verdict::info));
}

BOOST_AUTO_TEST_CASE(what_qemu_prints_is_understood) {
    const auto version =
        parse_vmm_version("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)\nCopyright (c)\n");
    BOOST_REQUIRE(version.has_value());
    BOOST_TEST(version->text == "7.2.22");
    BOOST_TEST((version->major == 7U && version->minor == 2U));
    BOOST_TEST(parse_vmm_version("QEMU emulator version 10.1.0\n")->major == 10U);
    BOOST_TEST(!parse_vmm_version("QEMU emulator version ten"));
    BOOST_TEST(!parse_vmm_version(""));
    const auto names =
        parse_accelerators("Accelerators supported in QEMU binary:\ntcg\nxen\r\nkvm\n\n");
    const std::vector<std::string> wanted{"kvm", "tcg", "xen"};
    BOOST_TEST(names == wanted, boost::test_tools::per_element());
    BOOST_TEST(parse_accelerators("").empty());
}

BOOST_AUTO_TEST_CASE(the_vmm_is_found_asked_and_judged) {
    const auto soon = [] { return mshv::posix::Deadline::after(std::chrono::seconds(10)); };
    HostFacts facts;
    BOOST_TEST((run_checks(facts).front().id == "hypervisor"));
    const auto judge = [&] { return run_checks(facts); };
    facts.vmm = probe_vmm({"/no/such/qemu", "/nor/this"}, soon());
    BOOST_TEST(facts.vmm->why == "QEMU is not installed: there is no /no/such/qemu, /nor/this");
    BOOST_TEST((verdict(judge(), "vmm") == Verdict::fail));
    facts.vmm = probe_vmm({"/no/such/qemu", "/bin/true"}, soon());
    BOOST_TEST(facts.vmm->path == "/bin/true");
    BOOST_TEST((verdict(judge(), "vmm") == Verdict::fail));
    facts.vmm = VmmFacts{"/usr/bin/q", VmmVersion{7, 1, "7.1.0"}, {"tcg"}, {}};
    BOOST_TEST((verdict(judge(), "vmm") == Verdict::fail));
    facts.vmm->version = VmmVersion{7, 2, "7.2.0"};
    BOOST_TEST((verdict(judge(), "vmm") == Verdict::ok));
    BOOST_TEST((verdict(judge(), "vmm-accelerators") == Verdict::ok));
    // The hypervisor is there, and a QEMU that cannot use it.
    facts.hypervisor.root = facts.mshv.openable = true;
    BOOST_TEST((verdict(judge(), "vmm-accelerators") == Verdict::warn));
    BOOST_TEST((verdict(judge(), "accelerator") == Verdict::warn));
    facts.vmm->accelerators = {"kvm", "mshv", "tcg"};
    BOOST_TEST((verdict(judge(), "vmm-accelerators") == Verdict::ok));
    BOOST_TEST((verdict(judge(), "accelerator") == Verdict::ok));
    facts.vmm->accelerators = {"xen"};
    BOOST_TEST((verdict(judge(), "vmm-accelerators") == Verdict::fail));
}

BOOST_AUTO_TEST_CASE(a_vmm_that_hangs_is_given_up) {
    const auto facts = probe_vmm({"/usr/bin/yes"}, // it never ends by itself
                                 mshv::posix::Deadline::after(std::chrono::milliseconds(200)));
    BOOST_TEST(!facts.version);
    BOOST_TEST(!facts.why.empty());
}
