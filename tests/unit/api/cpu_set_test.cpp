// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/cpu_set.hpp"

#include <boost/test/unit_test.hpp>

using namespace mshv::api;

namespace {

std::string canonical(std::string_view text, const CpusOfNode& of_node = {}) {
    const auto cpus = parse_cpu_set(text, of_node);
    return cpus ? format_cpu_set(*cpus) : "none";
}

} // namespace

BOOST_AUTO_TEST_SUITE(cpu_set)

BOOST_AUTO_TEST_CASE(lists_and_ranges) {
    BOOST_TEST(canonical("3") == "3");
    BOOST_TEST(canonical("0-3") == "0-3");
    BOOST_TEST(canonical("7,0-2,1,3") == "0-3,7");
    BOOST_TEST(canonical("0-7,^2") == "0-1,3-7");
    BOOST_TEST(canonical("0-7,^2-5") == "0-1,6-7");
    BOOST_TEST(canonical("^2,0-3") == "0-3"); // taken out of what came before it
    BOOST_TEST(canonical("8191") == "8191");
    for (const char* wrong : {"", ",", "1,", "a", "3-1", "-1", "1-", "8192", "99999999999", "^1",
                              "0,^0", "1 2", "0x1", "node:0", "all"}) {
        BOOST_TEST(canonical(wrong) == "none", wrong);
    }
}

BOOST_AUTO_TEST_CASE(nodes) {
    const auto of_node = [](unsigned node) {
        return node > 1 ? std::nullopt : std::optional(node == 0 ? CpuSet{0, 1, 4} : CpuSet{2, 3});
    };
    BOOST_TEST(canonical("node:1", of_node) == "2-3");
    BOOST_TEST(canonical("nodes:0-1,^3", of_node) == "0-2,4");
    BOOST_TEST(canonical("0-4,^node:1", of_node) == "0-1,4");
    BOOST_TEST(canonical("node:2", of_node) == "none");
    BOOST_TEST(canonical("node:", of_node) == "none");
}

BOOST_AUTO_TEST_SUITE_END()
