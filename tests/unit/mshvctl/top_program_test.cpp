// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/mshvctl/harness.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <csignal>

namespace {

using namespace mshv;
using test::ProgramFixture;
using test::TerminalRun;

/// What brings back the screen that was there before, on an xterm.
constexpr std::string_view former_screen = "\x1b[?1049l";

struct TopFixture : ProgramFixture {
    TopFixture() {
        environment.emplace_back("TERM=xterm");
        daemon.on("GET /v1/host", 200,
                  R"({"facts":[{"key":"host","value":"metal1"},{"key":"nr_cpus","value":"8"},)"
                  R"({"key":"total_memory","value":"1024"}]})");
        daemon.on("GET /v1/partitions", 200,
                  R"({"partitions":[)" + test::partition_json(1, "web1", "running") + "," +
                      test::partition_json(2, "db1", "paused") + "]}");
    }
};

BOOST_FIXTURE_TEST_SUITE(top_program, TopFixture)

BOOST_AUTO_TEST_CASE(a_pipe_gets_tables) {
    const auto result = run({"top", "-i", "2", "-d", "100ms", "--sort", "name"});
    BOOST_TEST(result.status == 0);
    BOOST_TEST(result.err.empty());
    BOOST_TEST(std::count(result.out.begin(), result.out.end(), '\n') == 6);
    BOOST_TEST(result.out.find("       db1 ---p--") != std::string::npos);
    BOOST_TEST(result.out.find("db1") < result.out.find("web1"));
    BOOST_TEST(result.out.find('\x1b') == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_terminal_gets_a_screen_that_keys_change) {
    TerminalRun run(*this, {"top"});
    run.expect("metal1: 2 partitions");
    run.expect("web1");
    BOOST_TEST(run.shown().find("VCPUs(sec):") == std::string::npos);
    run.type("v");
    run.expect("VCPUs(sec):");
    run.type("q");
    run.expect(former_screen);
    BOOST_TEST(run.finish() == 0);
}

BOOST_AUTO_TEST_CASE(control_c_ends_it_and_restores_the_terminal) {
    TerminalRun run(*this, {"top"});
    run.expect("web1");
    run.type("\x03");
    run.expect(former_screen);
    BOOST_TEST(run.finish() == 0);
}

BOOST_AUTO_TEST_CASE(an_error_is_told_after_the_screen) {
    TerminalRun run(*this, {"top", "-d", "100ms"});
    run.expect("web1");
    daemon.on("GET /v1/partitions", 500, "{}");
    run.expect(former_screen);
    run.expect("mshvctl: ");
    BOOST_TEST(run.finish() != 0);
}

BOOST_AUTO_TEST_CASE(a_terminal_of_no_known_kind_is_told) {
    environment = {"TERM=no-such-terminal"};
    TerminalRun run(*this, {"top"});
    run.expect("no-such-terminal");
    BOOST_TEST(run.finish() == 7);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
