// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/qemu/settings.hpp"
#include "daemon/vmm/qemu/vcpus.hpp"
#include "tests/unit/api/thrown.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace mshv;
using namespace mshv::vmm::qemu; // NOLINT: a test of that namespace
using testing::error_of;

// As QEMU 7.2 says it, the last one first.
constexpr std::string_view answer =
    R"({"return": [{"props": {"core-id": 2, "thread-id": 0, "socket-id": 0}, "vcpus-count": 1,)"
    R"( "type": "max-x86_64-cpu"}, {"props": {"core-id": 1, "thread-id": 0, "socket-id": 0},)"
    R"( "vcpus-count": 1, "qom-path": "/machine/peripheral/vcpu1", "type": "max-x86_64-cpu"},)"
    R"( {"props": {"core-id": 0, "thread-id": 0, "socket-id": 0}, "vcpus-count": 1, "qom-path":)"
    R"( "/machine/unattached/device[0]", "type": "max-x86_64-cpu"}]})";

} // namespace

BOOST_AUTO_TEST_SUITE(vcpus)

BOOST_AUTO_TEST_CASE(places_are_in_the_order_of_the_processors) {
    const auto slots = parse_cpu_slots(answer);
    BOOST_REQUIRE(slots.size() == 3U);
    BOOST_TEST(present_in(slots) == 2U);
    BOOST_TEST(in_order(slots));
    BOOST_TEST(unplug_name(slots[0]) == "/machine/unattached/device[0]");
    BOOST_TEST(unplug_name(slots[1]) == "vcpu1");
    BOOST_TEST(plug_command(slots[2], 2) ==
               R"({"execute":"device_add","arguments":{"driver":"max-x86_64-cpu","id":"vcpu2",)"
               R"("socket-id":0,"core-id":2,"thread-id":0}})");
    auto gap = slots;
    std::swap(gap[1].path, gap[2].path);
    BOOST_TEST(!in_order(gap));
    BOOST_TEST(!error_of([] {
                    (void)parse_cpu_slots(R"({"error":{"class":"GenericError","desc":"no"}})");
                }).empty());
    BOOST_TEST(!error_of([] { (void)parse_cpu_slots(R"({"return": []})"); }).empty());
    BOOST_TEST(!error_of([] { (void)parse_cpu_slots(R"({"return": [{"props": {}}]})"); }).empty());
}

BOOST_AUTO_TEST_CASE(their_number_is_one_word_of_the_command) {
    std::vector<std::string> argv{"qemu", "-smp", "cpus=2,maxcpus=4,sockets=4", "-m", "1M"};
    BOOST_TEST(vcpus_of(argv) == 2U);
    const auto more = with_vcpus(argv, 3);
    BOOST_TEST(more[2] == "cpus=3,maxcpus=4,sockets=4");
    BOOST_TEST(vcpus_of(more) == 3U);
    BOOST_TEST(vcpus_of({"qemu"}) == 0U);
    domain::LaunchPlan plan;
    plan.argv = argv;
    api::PartitionSpec live;
    live.cpu.current = 4;
    change_settings(plan, live);
    BOOST_TEST(vcpus_of(plan.argv) == 4U);
}

BOOST_AUTO_TEST_CASE(what_a_keeper_names_is_one_of_them_or_not) {
    for (const char* name : {"vcpu1", "vcpu12", "/machine/unattached/device[3]"}) {
        BOOST_TEST(is_vcpu_name(name), name);
    }
    for (const char* name : {"", "vcpu", "vcpux", "disk0", "/machine/unattached/device[3]/lapic"}) {
        BOOST_TEST(!is_vcpu_name(name), name);
    }
}

BOOST_AUTO_TEST_SUITE_END()
