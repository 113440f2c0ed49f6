// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/differences.hpp"

#include <boost/test/unit_test.hpp>

using namespace mshv::api;

namespace {

PartitionSpec two_disks() {
    PartitionSpec spec;
    spec.name = "web";
    spec.memory.size = 1 << 20;
    spec.devices.disks.resize(2);
    spec.devices.disks[0].target = "vda";
    spec.devices.disks[0].path = "/a.img";
    spec.devices.disks[1].target = "vdb";
    spec.devices.disks[1].path = "/b.img";
    return spec;
}

/// "path: before -> after", a line each.
std::string told(const PartitionSpec& before, const PartitionSpec& after) {
    std::string text;
    for (const auto& change : differences(before, after)) {
        text += change.path + ": " + change.before + " -> " + change.after + "\n";
    }
    return text;
}

} // namespace

BOOST_AUTO_TEST_SUITE(differences_between_specs)

BOOST_AUTO_TEST_CASE(nothing_differs_from_itself) {
    BOOST_TEST(told(two_disks(), two_disks()).empty());
}

BOOST_AUTO_TEST_CASE(members_are_told_by_their_path) {
    auto after = two_disks();
    after.memory.size = 2 << 20;
    after.title = "new";
    after.labels = {{"role", "db"}};
    after.shutdown.methods = {ShutdownMethod::acpi};
    BOOST_TEST(told(two_disks(), after) == "/memory/size: 1048576 -> 2097152\n"
                                           "/shutdown/methods: agent,acpi -> acpi\n"
                                           "/title:  -> new\n"
                                           "/labels:  -> {\"role\":\"db\"}\n");
}

BOOST_AUTO_TEST_CASE(devices_are_known_by_name_not_by_place) {
    auto after = two_disks();
    after.devices.disks.erase(after.devices.disks.begin());
    after.devices.disks[0].cache = DiskCache::unsafe;
    const auto found = differences(two_disks(), after);
    BOOST_REQUIRE(found.size() == 2U);
    BOOST_TEST(found[0].path == "/devices/disks[vda]");
    BOOST_TEST(found[0].after.empty());
    BOOST_TEST(found[0].before.find("/a.img") != std::string::npos);
    BOOST_TEST(found[1].path == "/devices/disks[vdb]/cache");
    auto none = two_disks();
    none.devices.disks.clear();
    BOOST_TEST(differences(none, two_disks()).size() == 2U); // one for each disk
}

BOOST_AUTO_TEST_CASE(another_order_is_a_difference) {
    auto after = two_disks();
    std::swap(after.devices.disks[0], after.devices.disks[1]);
    BOOST_TEST(told(two_disks(), after) == "/devices/disks: vda,vdb -> vdb,vda\n");
}

BOOST_AUTO_TEST_CASE(elements_of_one_name_are_compared_by_place) {
    auto before = two_disks();
    before.devices.disks[1].target = "vda";
    auto after = before;
    after.devices.disks[1].read_only = true;
    BOOST_TEST(told(before, after) == "/devices/disks[1]/read_only: false -> true\n");
}

BOOST_AUTO_TEST_SUITE_END()
