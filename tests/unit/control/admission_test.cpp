// SPDX-License-Identifier: Apache-2.0
//
// Starts that the host has memory for, and those that it has not.
#include "tests/unit/api/thrown.hpp"
#include "tests/unit/control/whole.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>

namespace mshv::testing {
namespace {

constexpr std::uint64_t mib = 1ULL << 20U;

/// A host whose memory the test says.
struct CrampedWorld : Whole {
    CrampedWorld() {
        stop_daemon();
        options.proc = dir().path("proc");
        options.sys = dir().path("sys");
        options.admission = api::Admission::refuse;
        options.memory_reserve = 100 * mib;
        std::filesystem::create_directories(options.proc);
        has_available(1000);
        start_daemon();
    }

    void has_available(std::uint64_t mebibytes) {
        std::ofstream(options.proc + "/meminfo")
            << "MemTotal:       4096000 kB\nMemFree:            10 kB\nMemAvailable:   "
            << mebibytes * 1024 << " kB\nHugepagesize:       2048 kB\n";
    }

    void has_huge_pages(unsigned free, unsigned promised) {
        const std::string folder = options.sys + "/kernel/mm/hugepages/hugepages-2048kB";
        std::filesystem::create_directories(folder);
        std::ofstream(folder + "/free_hugepages") << free << '\n';
        std::ofstream(folder + "/resv_hugepages") << promised << '\n';
    }

    api::PartitionView create(const std::string& name, std::uint64_t mebibytes) {
        auto request = request_of(name, api::CreateMode::persistent);
        request.spec.memory.size = mebibytes * mib;
        request.spec.reserve.overhead = 10 * mib;
        return service().create(request, tester, at_once());
    }

    api::PartitionView create_huge(const std::string& name, std::uint64_t mebibytes) {
        auto request = request_of(name, api::CreateMode::persistent);
        request.spec.memory.size = mebibytes * mib;
        request.spec.memory.hugepages.emplace();
        request.spec.reserve.overhead = 10 * mib;
        return service().create(request, tester, at_once());
    }
};

BOOST_FIXTURE_TEST_SUITE(admission, CrampedWorld)

BOOST_AUTO_TEST_CASE(what_others_may_still_take_is_not_there) {
    create("a", 400); // with its VMM 410 of 900
    BOOST_TEST((code_of([&] { create("b", 500); }) == api::ErrorCode::no_resource));
    BOOST_TEST(error_of([&] { create("b", 500); }) ==
               "No room for 'b': it needs 510 MiB, and of the host's memory 1000 MiB are "
               "available, of which 410 MiB are promised to other partitions and 100 MiB kept for "
               "the host");
    create("c", 480);
    const auto list = service().claims();
    BOOST_TEST(list.outstanding == 900 * mib);
    BOOST_TEST(list.room == 0U);
    BOOST_TEST_REQUIRE(list.claims.size() == 2U);
    BOOST_TEST(list.claims[0].name == "a");
    BOOST_TEST(list.claims[0].memory == 400 * mib);
    BOOST_TEST(list.claims[0].overhead == 10 * mib);
    BOOST_TEST(list.claims[0].outstanding == 410 * mib);
    destroy("a");
    BOOST_TEST(service().claims().outstanding == 490 * mib);
}

BOOST_AUTO_TEST_CASE(a_start_that_is_refused_leaves_nothing_promised) {
    BOOST_CHECK_THROW(create("big", 2000), api::Error);
    BOOST_TEST(service().claims().outstanding == 0U);
    BOOST_TEST(!exists("big"));
    create("a", 800);
}

BOOST_AUTO_TEST_CASE(a_definition_is_not_judged_but_its_start_is) {
    auto request = request_of("big", api::CreateMode::define);
    request.spec.memory.size = 5000 * mib;
    service().create(request, tester, at_once());
    BOOST_CHECK_THROW(start("big"), api::Error);
    BOOST_TEST((get("big").state == api::State::shutoff));
    const auto runs = service().history("big", 10);
    BOOST_TEST_REQUIRE(!runs.empty());
    BOOST_TEST((runs.front().reason == api::Reason::start_failed));
}

BOOST_AUTO_TEST_CASE(promises_are_known_to_the_next_daemon) {
    create("a", 400);
    restart_daemon();
    BOOST_TEST(service().claims().outstanding == 410 * mib);
    BOOST_CHECK_THROW(create("b", 500), api::Error);
}

BOOST_AUTO_TEST_CASE(huge_pages_are_counted_for_themselves) {
    has_huge_pages(300, 100);
    create_huge("a", 400);
    BOOST_TEST(service().claims().outstanding == 10 * mib);
    BOOST_TEST(error_of([&] { create_huge("b", 402); }) ==
               "No room for 'b': it needs 201 huge pages of 2048 KiB, and 200 are free");
}

BOOST_AUTO_TEST_CASE(who_only_warns_starts_it) {
    stop_daemon();
    options.admission = api::Admission::warn;
    start_daemon();
    create("big", 2000);
    BOOST_TEST(service().claims().room == 0U);
}

BOOST_AUTO_TEST_CASE(a_host_that_does_not_say_has_room) {
    std::filesystem::remove(options.proc + "/meminfo");
    create("big", 2000);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace mshv::testing
