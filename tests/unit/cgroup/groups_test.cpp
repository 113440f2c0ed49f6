// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/cgroup/folder.hpp"

#include <boost/test/unit_test.hpp>

#include <unistd.h>

namespace mshv::testing {
namespace {

const std::string one = "11111111-2222-3333-4444-555555555555";

bool says(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_given_folder_is_made_and_its_processes_go_into_a_leaf) {
    const CgroupFolder folder;
    std::filesystem::create_directory(folder.root + "/mshv");
    CgroupFolder::fill(folder.root + "/mshv");
    folder.put("mshv/cgroup.procs", "4711\n");
    const cgroup::Groups groups(folder.options());
    BOOST_TEST(groups.why_not() == "");
    BOOST_TEST(folder.text("mshv/holder/cgroup.procs") == "4711");
    BOOST_TEST(folder.text("mshv/cgroup.subtree_control") == "+cpu +cpuset");
    BOOST_TEST(groups.names().empty()); // the leaf is none
}

BOOST_AUTO_TEST_CASE(the_unit_is_found_by_itself) {
    const CgroupFolder folder;
    BOOST_TEST(says(cgroup::Groups(folder.options("")).why_not(), "mshv-partitions.service"));
    const std::string unit = "mshv.slice/mshv-partitions.service";
    std::filesystem::create_directories(folder.root + '/' + unit);
    CgroupFolder::fill(folder.root + '/' + unit);
    const cgroup::Groups groups(folder.options(""));
    BOOST_TEST(groups.available());
    BOOST_TEST(groups.parent() == folder.root + '/' + unit);
}

BOOST_AUTO_TEST_CASE(a_host_without_says_why) {
    const CgroupFolder folder;
    folder.put("cgroup.controllers", "memory\n");
    std::filesystem::create_directory(folder.root + "/mshv");
    CgroupFolder::fill(folder.root + "/mshv");
    folder.put("mshv/cgroup.controllers", "memory cpu\n");
    BOOST_TEST(says(cgroup::Groups(folder.options()).why_not(), "cpu and cpuset"));
    std::filesystem::remove(folder.root + "/cgroup.controllers");
    BOOST_TEST(says(cgroup::Groups(folder.options()).why_not(), "no cgroup version 2"));
}

BOOST_AUTO_TEST_CASE(settings_are_read_back) {
    const CgroupFolder folder;
    const cgroup::Groups groups(folder.options());
    BOOST_TEST(!groups.read(one).has_value());
    const cgroup::Settings settings{512, 150'000, 100'000, "0-3,7"};
    groups.make(one, settings);
    BOOST_TEST(folder.text("mshv/" + one + "/cpu.weight") == "512");
    BOOST_TEST(folder.text("mshv/" + one + "/cpu.max") == "150000 100000");
    BOOST_TEST(folder.text("mshv/" + one + "/cpuset.cpus") == "0-3,7");
    BOOST_TEST((groups.read(one) == settings));
    groups.make(one, {});
    BOOST_TEST(folder.text("mshv/" + one + "/cpu.max") == "max 100000");
    BOOST_TEST(folder.text("mshv/" + one + "/cpuset.cpus") == "0-7"); // it may not be emptied
    BOOST_TEST((groups.read(one) == cgroup::Settings{}));
    BOOST_TEST(groups.names().size() == 1U);
    const auto throttling = groups.throttling(one);
    BOOST_REQUIRE(throttling.has_value());
    BOOST_TEST(throttling->throttled == 3U);
    BOOST_TEST(throttling->throttled_us == 5'000U);
}

BOOST_AUTO_TEST_CASE(a_group_goes_when_nobody_is_in_it) {
    const CgroupFolder folder;
    const cgroup::Groups groups(folder.options());
    groups.make(one, {});
    groups.move_in(one, ::getpid());
    BOOST_TEST(groups.holds(one, ::getpid()));
    BOOST_TEST(!groups.remove(one));
    folder.put("mshv/" + one + "/cgroup.procs", "");
    BOOST_TEST(groups.remove(one));
    BOOST_TEST(groups.remove(one)); // again
    BOOST_TEST(groups.names().empty());
}

} // namespace mshv::testing
