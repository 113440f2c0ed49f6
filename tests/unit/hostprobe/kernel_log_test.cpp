// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/hostprobe/kernel_log.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace mshv::hostprobe; // NOLINT: a test of that namespace

std::string scheduler(std::string_view log) {
    return scheduler_of_log(parse_kernel_log(log));
}

bool is_shown(std::string_view text) {
    return is_of_hypervisor({6, 1, std::string(text)});
}

} // namespace

BOOST_AUTO_TEST_CASE(records_of_the_kernel_alone_are_read) {
    const auto records = parse_kernel_log("6,500,24063072,-;mshv: a;b\n"
                                          " SUBSYSTEM=misc\n"
                                          "14,501,24063073,-;mshv: a program said it\n"
                                          "3,502,24063074,c,caller=T1;mshv: an error\n"
                                          "6;\n,;\nx,1,1,-;y\n6,1,x,-;y\n");
    BOOST_REQUIRE(records.size() == 2U);
    BOOST_TEST(records[0].text == "mshv: a;b");
    BOOST_TEST(records[0].time_us == 24'063'072);
    BOOST_TEST(records[1].level == 3U);
    BOOST_TEST(parse_kernel_log("").empty());
}

BOOST_AUTO_TEST_CASE(what_is_about_the_hypervisor_is_told_from_the_rest) {
    BOOST_TEST(is_shown("Hypervisor detected: Microsoft Hyper-V"));
    BOOST_TEST(is_shown("mshv: hypervisor 10.0 build 27744, root scheduler"));
    BOOST_TEST(is_shown("clocksource: hyperv_clocksource_tsc_page: mask: 0xffffffffffffffff"));
    BOOST_TEST(!is_shown("mshv1.0: entered promiscuous mode"));
    BOOST_TEST(!is_shown("pci 0000:00:1f.2: BAR 4"));
}

BOOST_AUTO_TEST_CASE(the_kernels_log_names_the_scheduler) {
    BOOST_TEST(scheduler("6,500,24063072,-;mshv: hypervisor 10.0 build 27744, root scheduler\n") ==
               "root");
    BOOST_TEST(scheduler("6,9,1,-;misc mshv: Hypervisor using root scheduler\n") == "root");
    BOOST_TEST(scheduler("6,9,1,-;mshv: hypervisor 10.0 build 1, classic SMT scheduler\n") ==
               "classic SMT");
    // A program may write what it likes: its records have a facility.
    BOOST_TEST(scheduler("14,500,24063072,-;mshv: hypervisor 1, core scheduler\n").empty());
    BOOST_TEST(scheduler("6,1,1,-;io scheduler mq-deadline registered\n").empty());
    BOOST_TEST(scheduler("6,1,1,-;mshv: , scheduler\n6;\n,;\nmshv: \n").empty());
    BOOST_TEST(scheduler("").empty());
}
