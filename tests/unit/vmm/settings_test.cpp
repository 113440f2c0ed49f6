// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/qemu/qmp.hpp"
#include "daemon/vmm/qemu/settings.hpp"
#include "tests/unit/api/thrown.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace mshv;
using namespace mshv::vmm::qemu; // NOLINT: a test of that namespace
using testing::error_of;

constexpr std::uint64_t mib = 1024 * 1024;

} // namespace

BOOST_AUTO_TEST_SUITE(settings)

BOOST_AUTO_TEST_CASE(a_target_is_one_line_of_the_setup) {
    MakeUp now;
    now.setup = {R"({"execute":"set_link","arguments":{"name":"net0","up":false}})"};
    BOOST_TEST(!balloon_of(now).has_value());
    const auto less = with_balloon(now, 96 * mib);
    BOOST_TEST(less.setup.size() == 2U);
    BOOST_TEST(balloon_of(less).value() == 96 * mib);
    const auto other = with_balloon(less, 80 * mib);
    BOOST_TEST(other.setup.size() == 2U);
    BOOST_TEST(balloon_of(other).value() == 80 * mib);
    BOOST_TEST((with_balloon(other, std::nullopt).setup == now.setup));
}

BOOST_AUTO_TEST_CASE(a_plan_takes_what_was_set_since) {
    domain::LaunchPlan plan;
    plan.argv = {"qemu", "-device", R"({"driver":"virtio-balloon-pci","id":"balloon0"})"};
    plan.setup = {balloon_command(128 * mib)};
    api::PartitionSpec live;
    live.memory.size = 256 * mib;
    live.memory.current = 160 * mib;
    change_settings(plan, live);
    BOOST_TEST(plan.setup.size() == 1U);
    BOOST_TEST(plan.setup.front() == balloon_command(160 * mib));
    live.memory.current.reset();
    change_settings(plan, live);
    BOOST_TEST(plan.setup.empty());
    // Where there is no balloon none is asked.
    plan.argv = {"qemu"};
    live.memory.current = 160 * mib;
    change_settings(plan, live);
    BOOST_TEST(plan.setup.empty());
}

BOOST_AUTO_TEST_CASE(pins_are_one_text) {
    api::Cpu cpu;
    BOOST_TEST(affinity_of(cpu).empty());
    cpu.pins = {{0, "0-3"}, {2, "7"}};
    cpu.emulator_cpus = "1,5";
    BOOST_TEST(affinity_of(cpu) == "0:0-3 2:7 emulator:1,5");
    api::Cpu read;
    read_affinity(affinity_of(cpu), read);
    BOOST_TEST((read == cpu));
    read_affinity("", read);
    BOOST_TEST((read == api::Cpu{}));
    for (const char* wrong : {"x", "x:1", "-1:2", "0 1:2x:"}) {
        BOOST_TEST(error_of([&] { read_affinity(wrong, read); }).empty() == (wrong[0] == '0'));
    }
}

BOOST_AUTO_TEST_CASE(what_a_balloon_says) {
    BOOST_TEST(parse_balloon(R"({"return": {"actual": 167772160}})") == 160 * mib);
    BOOST_TEST(!error_of([] { parse_balloon(R"({"return": {"actual": -1}})"); }).empty());
    BOOST_TEST(!error_of([] { parse_balloon(R"({"return": {}})"); }).empty());
    BOOST_TEST(error_of([] {
                   parse_balloon(R"({"error": {"desc": "No balloon device"}})");
               }).find("No balloon device") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
