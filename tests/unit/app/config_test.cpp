// SPDX-License-Identifier: Apache-2.0
#include "daemon/app/config.hpp"

#include "toolstack/libs/api/error.hpp"

#include <boost/test/unit_test.hpp>

using namespace mshv;

namespace {

std::vector<api::Problem> problems_of(std::string_view text) {
    try {
        app::parse_config(text, "t.toml");
    } catch (const api::Error& error) {
        BOOST_TEST(static_cast<int>(error.code()) == static_cast<int>(api::ErrorCode::invalid));
        return error.problems();
    }
    return {};
}

} // namespace

BOOST_AUTO_TEST_SUITE(config)

BOOST_AUTO_TEST_CASE(what_is_printed_is_read_back) {
    app::Config config;
    config.state_dir = "/tmp/it's \"here\"";
    config.uid_count = 17;
    config.autostart = false;
    const auto again = app::parse_config(app::print_config(config), "t.toml");
    BOOST_TEST(app::print_config(again) == app::print_config(config));
    BOOST_TEST(again.state_dir == config.state_dir);
    BOOST_TEST(again.uid_count == 17);
    BOOST_TEST(!again.autostart);
}

BOOST_AUTO_TEST_CASE(an_unknown_key_is_named_with_its_place_and_the_nearest_one) {
    const auto problems = problems_of("[paths]\n\nstate_dri = \"/x\"\n");
    BOOST_TEST_REQUIRE(problems.size() == 1U);
    BOOST_TEST(problems[0].line == 3);
    BOOST_TEST(problems[0].column == 1);
    BOOST_TEST(problems[0].file == "t.toml");
    BOOST_TEST(problems[0].hint == "did you mean 'state_dir'?");
}

BOOST_AUTO_TEST_CASE(all_faults_come_at_once_in_the_order_of_lines) {
    const auto problems = problems_of("[apo]\nx = 1\n[log]\nlevel = \"loud\"\n[vmm]\n"
                                      "uid_base = \"1\"\nkeeper = \"bin/x\"\nuid_count = 0\n"
                                      "[daemon]\nautostart = 1\n");
    BOOST_TEST_REQUIRE(problems.size() == 6U);
    long line = 0;
    for (const auto& problem : problems) {
        BOOST_TEST(problem.line > line);
        line = problem.line;
    }
}

BOOST_AUTO_TEST_CASE(broken_toml_is_located) {
    const auto problems = problems_of("[api]\nsocket = \n");
    BOOST_TEST_REQUIRE(problems.size() == 1U);
    BOOST_TEST(problems[0].line >= 2);
    BOOST_TEST(problems[0].column >= 1);
}

BOOST_AUTO_TEST_CASE(values_that_cannot_work_together_are_refused) {
    BOOST_CHECK_THROW(app::parse_config("[paths]\nrun_dir = \"/run/a,b\"\n", "t"), api::Error);
    BOOST_CHECK_THROW(app::parse_config("[paths]\nstate_dir = \"\"\n", "t"), api::Error);
    BOOST_CHECK_THROW(app::parse_config("[vmm]\nuid_base = 2147483647\n", "t"), api::Error);
    BOOST_CHECK_THROW(
        app::parse_config("[paths]\nrun_dir = \"/" + std::string(41, 'x') + "\"\n", "t"),
        api::Error);
}

BOOST_AUTO_TEST_CASE(a_missing_file_is_not_found) {
    try {
        app::read_config("/nonexistent/mshvd.toml");
        BOOST_FAIL("read a missing file");
    } catch (const api::Error& error) {
        BOOST_TEST(static_cast<int>(error.code()) == static_cast<int>(api::ErrorCode::not_found));
    }
}

BOOST_AUTO_TEST_SUITE_END()
