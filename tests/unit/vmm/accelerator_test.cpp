// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/qemu/accelerator.hpp"
#include "tests/unit/api/thrown.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>

namespace {

using namespace mshv;
using namespace mshv::vmm::qemu; // NOLINT: a test of that namespace
using testing::error_of;

Capabilities everything() {
    Capabilities capabilities;
    capabilities.program = "/usr/bin/qemu";
    capabilities.version = {11, 1, 3};
    capabilities.accelerators = {"mshv", "kvm", "tcg"};
    return capabilities;
}

HostAccelerators host(bool mshv, bool kvm) {
    return {{mshv, mshv ? "opened" : "/dev/mshv does not exist", std::nullopt},
            {kvm, kvm ? "a probe machine ran" : "the CPU shows neither vmx nor svm", std::nullopt}};
}

api::PartitionSpec wants(api::Accelerator accelerator) {
    api::PartitionSpec spec;
    spec.accelerator = accelerator;
    return spec;
}

} // namespace

BOOST_AUTO_TEST_CASE(the_first_that_works_is_taken) {
    using enum api::Accelerator;
    const auto spec = wants(automatic);
    BOOST_TEST((choose_accelerator(spec, everything(), host(true, true)).accelerator == mshv));
    BOOST_TEST((choose_accelerator(spec, everything(), host(false, true)).accelerator == kvm));
    const auto choice = choose_accelerator(spec, everything(), host(false, false));
    BOOST_TEST((choice.accelerator == tcg));
    BOOST_TEST(choice.reason ==
               "the first that works; not mshv: /dev/mshv does not exist; not kvm: "
               "the CPU shows neither vmx nor svm");
}

BOOST_AUTO_TEST_CASE(a_binary_without_it_says_so) {
    auto capabilities = everything();
    capabilities.accelerators = {"tcg"};
    capabilities.version = {7, 2, 22};
    const auto text = error_of(
        [&] { choose_accelerator(wants(api::Accelerator::mshv), capabilities, host(true, true)); });
    BOOST_TEST(text == "The accelerator mshv cannot be used here: QEMU 7.2.22 was built without it "
                       "(QEMU 10.2 is the first that can)");
}

BOOST_AUTO_TEST_CASE(a_definition_may_forbid_tcg) {
    auto spec = wants(api::Accelerator::automatic);
    spec.vmm.fallback_tcg = false;
    const auto text = error_of([&] { choose_accelerator(spec, everything(), host(false, false)); });
    BOOST_TEST(text.find("No accelerator can be used") == 0U);
    BOOST_TEST(text.find("fallback_tcg") != std::string::npos);
    // Asked for by name it is no fallback.
    spec.accelerator = api::Accelerator::tcg;
    BOOST_TEST((choose_accelerator(spec, everything(), host(false, false)).accelerator ==
                api::Accelerator::tcg));
}

BOOST_AUTO_TEST_CASE(a_minimum_version_is_kept) {
    auto spec = wants(api::Accelerator::tcg);
    spec.vmm.minimum = "11.2";
    BOOST_TEST(
        !error_of([&] { choose_accelerator(spec, everything(), host(false, false)); }).empty());
    spec.vmm.minimum = "11.1";
    BOOST_TEST(
        error_of([&] { choose_accelerator(spec, everything(), host(false, false)); }).empty());
    spec.vmm.minimum = "new";
    BOOST_TEST(
        !error_of([&] { choose_accelerator(spec, everything(), host(false, false)); }).empty());
}

BOOST_AUTO_TEST_CASE(what_qemu_would_only_pretend_under_mshv_is_known) {
    const auto has = [](const std::vector<std::string>& list, const char* word) {
        return std::find(list.begin(), list.end(), word) != list.end();
    };
    BOOST_TEST(has(lacking(api::Accelerator::mshv, {11, 1, 3}), "nmi"));
    BOOST_TEST(has(lacking(api::Accelerator::mshv, {11, 1, 3}), "save"));
    BOOST_TEST(lacking(api::Accelerator::tcg, {11, 1, 3}).empty());
    BOOST_TEST(lacking(api::Accelerator::mshv, {11, 2, 0}).empty());
}
