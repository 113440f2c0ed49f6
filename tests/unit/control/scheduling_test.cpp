// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/scheduling_service.hpp"
#include "tests/unit/api/thrown.hpp"
#include "tests/unit/cgroup/folder.hpp"
#include "tests/unit/control/whole.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>

namespace mshv::testing {
namespace {

using api::ErrorCode;

/// A host of two nodes with four processors each.
struct Host {
    Host() {
        sys = folder.root + "/sys";
        put("devices/system/cpu/possible", "0-7\n");
        put("devices/system/node/node0/cpulist", "0-3\n");
        put("devices/system/node/node1/cpulist", "4-7\n");
    }
    void put(const std::string& path, const std::string& text) const {
        const std::filesystem::path whole = sys + '/' + path;
        std::filesystem::create_directories(whole.parent_path());
        std::ofstream(whole) << text;
    }
    CgroupFolder folder;
    std::string sys;
    cgroup::Groups groups_there{folder.options()};
};

struct SchedulingWorld : Host, Whole {
    SchedulingWorld() {
        stop_daemon();
        options.sys = sys;
        Whole::groups = &groups_there;
        start_daemon();
    }
    control::SchedulingService& sched() { return service().scheduling(); }
    api::SchedulingView set(const std::string& name, const api::SetSchedulingRequest& request) {
        return sched().set(by_name(name), request, tester, at_once());
    }
    api::SchedulingView pool(const std::string& name, const std::string& to) {
        api::SetSchedulingRequest request;
        request.pool = to;
        return set(name, request);
    }
    /// "weight, cap, processors" of a partition's group; "-" without one.
    std::string group(const api::PartitionView& of) const {
        const std::string at = "mshv/" + api::to_string(of.uuid) + '/';
        return std::filesystem::exists(folder.root + '/' + at)
                   ? folder.text(at + "cpu.weight") + ", " + folder.text(at + "cpu.max") + ", " +
                         folder.text(at + "cpuset.cpus")
                   : "-";
    }
    /// "Pool-0=2-7 fast=0-1(web)".
    std::string pools() {
        std::string text;
        for (const auto& one : sched().pools().pools) {
            text += (text.empty() ? "" : " ") + one.name + '=' + one.cpus;
            for (const auto& name : one.partitions) {
                text += '(' + name + ')';
            }
        }
        return text;
    }
    void make_pool(const std::string& name, const std::string& cpus) {
        (void)sched().create_pool({name, cpus}, tester);
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(scheduling, SchedulingWorld)

BOOST_AUTO_TEST_CASE(a_run_has_its_group_and_its_end_takes_it_away) {
    auto request = request_of("web", api::CreateMode::transient);
    request.spec.cpu.weight = 300;
    request.spec.cpu.cap = api::CpuCap{50'000, 100'000};
    const auto web = service().create(request, tester, at_once());
    BOOST_TEST(group(web) == "300, 50000 100000, ");
    destroy("web");
    BOOST_TEST(released());
    service().stop(); // and with it the work that was left to do
    BOOST_TEST(group(web) == "-");
}

BOOST_AUTO_TEST_CASE(a_change_reaches_what_runs_and_the_definition) {
    define("web");
    const auto web = start("web");
    BOOST_TEST(group(web) == "100, max 100000, ");
    api::SetSchedulingRequest request;
    request.weight = 200;
    BOOST_TEST(set("web", request).weight == 200U);
    BOOST_TEST(group(web) == "200, max 100000, ");
    BOOST_TEST(sched().get(by_name("web"), true).weight == 100U); // what runs alone
    request.cap = api::CpuCap{250'000, 100'000};
    request.config = request.live = true;
    set("web", request);
    BOOST_TEST(group(web) == "200, 250000 100000, ");
    BOOST_TEST(sched().get(by_name("web"), true).cap.has_value());
    api::SetSchedulingRequest none;
    none.cap = api::CpuCap{};
    set("web", none);
    BOOST_TEST(group(web) == "200, max 100000, ");
    BOOST_TEST(!sched().get(by_name("web"), false).cap.has_value());
    BOOST_TEST(sched().get(by_name("web"), false).throttled.has_value());
    request.weight = 20'000;
    BOOST_CHECK(code_of([&] { set("web", request); }) == ErrorCode::invalid);
}

BOOST_AUTO_TEST_CASE(another_daemon_mends_a_group) {
    define("web");
    const auto web = start("web");
    api::SetSchedulingRequest request;
    request.weight = 200;
    set("web", request);
    stop_daemon();
    // As if the daemon had died between its record and the kernel, and one group had been left.
    folder.put("mshv/" + api::to_string(web.uuid) + "/cpu.weight", "100\n");
    const std::string stray = "mshv/11111111-2222-3333-4444-555555555555";
    std::filesystem::create_directory(folder.root + '/' + stray);
    CgroupFolder::fill(folder.root + '/' + stray);
    start_daemon();
    const auto until = soon();
    while (group(web) != "200, max 100000, " && !until.expired()) {
        (void)service().get(by_name("web"));
    }
    stop_daemon(); // it may still be writing the rest
    BOOST_TEST(group(web) == "200, max 100000, ");
    start_daemon();
    BOOST_TEST(!std::filesystem::exists(folder.root + '/' + stray));
}

BOOST_AUTO_TEST_CASE(pools_share_the_processors_out) {
    const auto web = create("web");
    make_pool("fast", "0-1");
    BOOST_TEST(pools() == "Pool-0=2-7(web) fast=0-1");
    BOOST_TEST(group(web) == "100, max 100000, 2-7");
    pool("web", "fast");
    BOOST_TEST(group(web) == "100, max 100000, 0-1");
    (void)sched().add_cpus("fast", "2-3,^3", tester);
    BOOST_TEST(group(web) == "100, max 100000, 0-2");
    (void)sched().remove_cpus("fast", "0-1", tester);
    BOOST_TEST(pools() == "Pool-0=0-1,3-7 fast=2(web)");
    BOOST_TEST(group(web) == "100, max 100000, 2");
    const auto refusal = [&](const auto& what) { return code_of(what); };
    BOOST_CHECK(refusal([&] { (void)sched().remove_cpus("fast", "2", tester); }) ==
                ErrorCode::wrong_state);
    BOOST_CHECK(refusal([&] { (void)sched().destroy_pool("fast", tester); }) ==
                ErrorCode::wrong_state);
    BOOST_CHECK(refusal([&] { (void)sched().rename_pool("fast", "quick", tester); }) ==
                ErrorCode::wrong_state);
    pool("web", api::first_pool);
    BOOST_TEST(group(web) == "100, max 100000, 0-1,3-7");
    (void)sched().rename_pool("fast", "quick", tester);
    (void)sched().destroy_pool("quick", tester);
    BOOST_TEST(pools() == "Pool-0=0-7(web)");
    BOOST_TEST(group(web) == "100, max 100000, 0-7");
}

BOOST_AUTO_TEST_CASE(pools_are_disjoint_and_one_processor_stays) {
    make_pool("a", "0-3");
    const auto refusal = [&](const std::string& name, const std::string& cpus) {
        return code_of([&] { make_pool(name, cpus); });
    };
    BOOST_CHECK(refusal("a", "4") == ErrorCode::exists);
    BOOST_CHECK(refusal("b", "3-4") == ErrorCode::exists);
    BOOST_CHECK(refusal("b", "8") == ErrorCode::invalid);
    BOOST_CHECK(refusal("b", "4-7") == ErrorCode::invalid); // Pool-0 would be empty
    BOOST_CHECK(refusal("b", "x") == ErrorCode::usage);
    BOOST_CHECK(refusal("Pool-0", "4") == ErrorCode::exists);
    BOOST_CHECK(refusal("a b", "4") == ErrorCode::invalid);
    BOOST_CHECK(code_of([&] { (void)sched().split_by_node(tester); }) == ErrorCode::wrong_state);
    (void)sched().destroy_pool("a", tester);
    BOOST_CHECK(code_of([&] { (void)sched().destroy_pool("a", tester); }) == ErrorCode::not_found);
    (void)sched().split_by_node(tester);
    BOOST_TEST(pools() == "Pool-0=0-3 Pool-node1=4-7");
    restart_daemon();
    BOOST_TEST(pools() == "Pool-0=0-3 Pool-node1=4-7");
}

BOOST_AUTO_TEST_CASE(a_definition_needs_its_pool_and_its_pins_in_it) {
    auto request = request_of("web", api::CreateMode::define);
    request.spec.cpu.pool = "fast";
    const auto make = [&] { (void)service().create(request, tester, at_once()); };
    BOOST_CHECK(code_of(make) == ErrorCode::invalid);
    make_pool("fast", "");
    BOOST_CHECK(code_of(make) == ErrorCode::invalid); // it has no processors
    (void)sched().add_cpus("fast", "node:1", tester);
    request.spec.cpu.pins = {{0, "3"}};
    BOOST_CHECK(code_of(make) == ErrorCode::invalid);
    request.spec.cpu.pins = {{0, "5"}};
    make();
    BOOST_TEST(pools() == "Pool-0=0-3 fast=4-7(web)");
    BOOST_CHECK(code_of([&] { (void)sched().destroy_pool("fast", tester); }) ==
                ErrorCode::wrong_state); // defined with it
    BOOST_CHECK(code_of([&] {
                    (void)service().pin_vcpu(by_name("web"), {0, "1", false, true, 1000}, tester,
                                             at_once());
                    (void)start("web");
                }) == ErrorCode::invalid);
}

BOOST_AUTO_TEST_CASE(without_groups_what_needs_one_is_refused) {
    stop_daemon();
    Whole::groups = nullptr;
    start_daemon();
    const auto web = create("web");
    BOOST_TEST(group(web) == "-");
    auto heavy = request_of("heavy", api::CreateMode::define);
    heavy.spec.cpu.weight = 200;
    BOOST_CHECK(code_of([&] { (void)service().create(heavy, tester, at_once()); }) ==
                ErrorCode::invalid);
    api::SetSchedulingRequest request;
    request.weight = 200;
    BOOST_CHECK(code_of([&] { set("web", request); }) == ErrorCode::unsupported);
    make_pool("fast", "0-1"); // kept for a kernel that can
    BOOST_TEST(!sched().pools().unavailable.empty());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace mshv::testing
