// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/posix/temporary_folder.hpp"
#include "toolstack/libs/hostprobe/partitions.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <sys/stat.h>

namespace {

using namespace mshv::hostprobe; // NOLINT: a test of that namespace
using mshv::posix::test::TemporaryFolder;

constexpr const char* head = "id process initialized processors guest_pages deposited withdrawn\n";

HypervisorPartitions recorded(const std::string& kernel) {
    return read_partitions(std::string(MSHV_TEST_DATA) + "/hostprobe/" + kernel);
}

/// What is read where `path` below the kernel's folder has this text.
HypervisorPartitions read_with(const std::string& path, const std::string& text) {
    const TemporaryFolder root;
    const std::string file = root / ("sys/kernel/debug/mshv/" + path);
    mshv::posix::make_directories(std::filesystem::path(file).parent_path(), 0700);
    mshv::posix::replace_file(file, text);
    return read_partitions(root / "");
}

} // namespace

BOOST_AUTO_TEST_CASE(the_series_tells_whose_a_partition_is) {
    const auto found = recorded("linux-6.12");
    BOOST_TEST(found.known);
    BOOST_TEST(found.with_processes);
    BOOST_TEST(found.root_id.value() == 1U);
    BOOST_REQUIRE(found.partitions.size() == 1U);
    const auto& partition = found.partitions.front();
    BOOST_TEST(partition.id == 2U);
    BOOST_TEST(partition.process == 157);
    BOOST_TEST(partition.vps.value() == 1);
    BOOST_TEST(partition.guest_pages.value() == 65600);
    BOOST_TEST(partition.deposited_pages.value() == 298);
    BOOST_TEST(partition.withdrawn_pages.value() == 0);
    BOOST_TEST(!partition.held_pages); // of before it counted
    BOOST_TEST(partition.processors.empty());
}

BOOST_AUTO_TEST_CASE(the_series_tells_what_it_counts_of_processors) {
    const auto found = recorded("linux-6.12-counting");
    BOOST_TEST(found.known);
    BOOST_REQUIRE(found.partitions.size() == 1U);
    const auto& partition = found.partitions.front();
    BOOST_TEST(partition.held_pages.value() == partition.deposited_pages.value());
    BOOST_REQUIRE(partition.processors.size() == 1U);
    const auto& vp = partition.processors.front();
    BOOST_TEST(vp.index == 0);
    BOOST_TEST(vp.run_ns.value() == 199'893'200);
    BOOST_TEST(vp.hypervisor_ns.value() == 2'205'700);
    BOOST_TEST(vp.dispatched_ns.value() == 257'499'500);
    BOOST_TEST(vp.waiting_ns.value() == 258'202'100);
    BOOST_TEST(vp.blocked_ns.value() == 0);
    BOOST_TEST(vp.intercepts.value() == 0);
}

BOOST_AUTO_TEST_CASE(columns_are_found_by_their_names) {
    auto partitions = *parse_partitions("id process initialized processors guest_pages deposited "
                                        "withdrawn later held\n"
                                        "3 40 1 2 16 32 8 5 24\n2 30 1 1 16 32 8 5 -\n");
    BOOST_REQUIRE(partitions.size() == 2U);
    BOOST_TEST(!partitions[0].held_pages);
    BOOST_TEST(partitions[1].held_pages.value() == 24);
    parse_processors("processor ports partition memory waiting_ns run_ns\n"
                     "1 4 3 5 60 -\n"
                     "0 - 3 7 x 100\n"
                     "0 9223372036854775807 2 9\n" // a sum that does not fit, and cut off
                     "0 1 4 1 1 1\n"               // of one that has begun since
                     "- 1 3 1 1 1\n\n",
                     partitions);
    BOOST_REQUIRE(partitions[0].processors.size() == 1U);
    BOOST_TEST(partitions[0].processors[0].intercepts.value() == 9);
    BOOST_TEST(!partitions[0].processors[0].run_ns);
    BOOST_REQUIRE(partitions[1].processors.size() == 2U);
    const auto& first = partitions[1].processors[0];
    BOOST_TEST(first.index == 0);
    BOOST_TEST(first.run_ns.value() == 100);
    BOOST_TEST(first.intercepts.value() == 7);
    BOOST_TEST((!first.waiting_ns && !first.hypervisor_ns));
    BOOST_TEST(partitions[1].processors[1].waiting_ns.value() == 60);
    BOOST_TEST(partitions[1].processors[1].intercepts.value() == 9);
    for (const auto* text : {"", "\n", "nonsense\n1 2 3\n", "partition\n3\n"}) {
        auto same = partitions;
        parse_processors(text, same);
        BOOST_TEST(same[1].processors.size() == 2U);
    }
}

BOOST_AUTO_TEST_CASE(linux_7_2_tells_what_there_is_beside_the_root) {
    const auto found = recorded("linux-7.2");
    BOOST_TEST(found.known);
    BOOST_TEST(!found.with_processes);
    BOOST_REQUIRE(found.partitions.size() == 1U);
    BOOST_TEST(found.partitions.front().id == 2U);
    BOOST_TEST(found.partitions.front().vps.value() == 1);
    BOOST_TEST(found.partitions.front().deposited_pages.value() == 0);
    BOOST_TEST(!found.partitions.front().withdrawn_pages);
}

BOOST_AUTO_TEST_CASE(a_kernel_that_lists_nothing_is_no_fault) {
    const TemporaryFolder root;
    const auto found = read_partitions(root / "");
    BOOST_TEST(!found.known);
    BOOST_TEST(found.why == root / "/sys/kernel/debug/mshv does not exist");
    BOOST_TEST(found.partitions.empty());
    BOOST_TEST(!found.root_id);
}

BOOST_AUTO_TEST_CASE(what_is_not_understood_is_left_out) {
    BOOST_TEST(!parse_partitions(""));
    BOOST_TEST(!parse_partitions("id name\n1 2\n"));
    BOOST_TEST(!read_with("partitions", "nonsense\n").known);
    BOOST_TEST(parse_partitions(head)->empty());
    const auto rows = *parse_partitions(std::string(head) +
                                        "0 1 1 1 1 1 1\n"                   // no number of one
                                        "-3 1 1 1 1 1 1\n"                  // nor this
                                        "99999999999999999999 1 1 1 1 1 1\n" // nor this
                                        "x\n\n \t\n"
                                        "9 7 1 2 x -1 18446744073709551615\n"
                                        "5 6 1 4 16 32 8 and more\n"
                                        "8 12"); // cut off
    BOOST_REQUIRE(rows.size() == 3U);
    BOOST_TEST(rows[0].id == 5U);
    BOOST_TEST(rows[0].withdrawn_pages.value() == 8);
    BOOST_TEST(rows[1].id == 8U);
    BOOST_TEST(!rows[1].vps);
    BOOST_TEST(rows[2].vps.value() == 2);
    BOOST_TEST((!rows[2].guest_pages && !rows[2].deposited_pages && !rows[2].withdrawn_pages));
    // Newer columns may follow.
    BOOST_TEST(parse_partitions("id process initialized processors guest_pages deposited withdrawn "
                                "more\n2 3 1 1 1 1 1 9\n")
                   ->size() == 1U);
    const auto folders = read_with("partition/3/stats", "PtDepositedPages : lots\n\x01\xff : 3\n");
    BOOST_TEST(folders.known);
    BOOST_TEST(folders.partitions.empty()); // the only one is the root's
}

BOOST_AUTO_TEST_CASE(nothing_else_is_waited_for) {
    const TemporaryFolder root;
    const std::string folder = root / "sys/kernel/debug/mshv";
    mshv::posix::make_directories(folder, 0700);
    BOOST_REQUIRE(::mkfifo((folder + "/partitions").c_str(), 0600) == 0);
    const auto found = read_partitions(root / "");
    BOOST_TEST(!found.known);
    BOOST_TEST(found.why.find("is no file") != std::string::npos);
}
