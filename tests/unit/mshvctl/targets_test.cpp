// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/targets.hpp"

#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/parser.hpp"
#include "toolstack/mshvctl/result.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace mshv;
using namespace mshv::ctl;
using api::Error;
using api::ErrorCode;

Outcome good(std::string name) {
    return {std::move(name), api::PartitionView{}, std::nullopt};
}
Outcome bad(std::string name, ErrorCode code) {
    return {std::move(name), std::nullopt, Error(code, "no")};
}

std::vector<api::Selector> resolve(const std::vector<std::string>& words) {
    Globals globals;
    Context context(globals);
    Targets targets;
    Arguments arguments;
    targets.declare(arguments, "all of them");
    parse_arguments(arguments, "pause", words);
    return targets.resolve(context, [](const api::PartitionView&) { return true; });
}

ErrorCode code_of(const std::vector<std::string>& words) {
    try {
        resolve(words);
    } catch (const Error& error) {
        return error.code();
    }
    return ErrorCode::failed;
}

BOOST_AUTO_TEST_SUITE(targets)

BOOST_AUTO_TEST_CASE(selectors_are_checked_before_anything_is_done) {
    const auto selectors = resolve({"web1", "id:7", "name:42"});
    BOOST_TEST(selectors.size() == 3U);
    BOOST_CHECK(code_of({""}) == ErrorCode::usage);
    BOOST_CHECK(code_of({"web1", ""}) == ErrorCode::usage);
    BOOST_CHECK(code_of({"0"}) == ErrorCode::usage);
    BOOST_CHECK(code_of({"id:0"}) == ErrorCode::usage);
    BOOST_CHECK(code_of({"000"}) == ErrorCode::usage);
    BOOST_CHECK(code_of({}) == ErrorCode::usage);
    BOOST_CHECK(code_of({"-a", "web1"}) == ErrorCode::usage);
}

BOOST_AUTO_TEST_CASE(outcomes_become_one_status) {
    const auto status = [](std::vector<Outcome> outcomes) {
        const auto error = combined_error(outcomes);
        return error ? exit_status(*error) : 0;
    };
    BOOST_TEST(status({}) == 0);
    BOOST_TEST(status({good("a")}) == 0);
    BOOST_TEST(status({good("a"), good("b")}) == 0);
    BOOST_TEST(status({bad("a", ErrorCode::not_found)}) == 3);
    BOOST_TEST(status({good("a"), bad("b", ErrorCode::not_found)}) == 13);
    BOOST_TEST(status({bad("a", ErrorCode::busy), bad("b", ErrorCode::busy)}) == 8);
    BOOST_TEST(status({bad("a", ErrorCode::busy), bad("b", ErrorCode::denied)}) == 1);
}

BOOST_AUTO_TEST_CASE(exit_statuses_are_the_documented_ones) {
    constexpr std::array<int, 15> expected{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 1};
    std::size_t i = 0;
    for (const auto& row : api::error_table()) {
        BOOST_TEST(exit_status(Error(row.code, "x")) == expected.at(i++));
    }
}

BOOST_AUTO_TEST_CASE(errors_are_one_clear_line_and_a_hint) {
    Error error(ErrorCode::busy, "web1 is busy\x1b[2J", "wait");
    error.because("create by uid 0");
    BOOST_TEST(error_text(error) == "mshvctl: error: web1 is busy\\x1b[2J\n"
                                    "  because: create by uid 0\n  hint: wait\n");
    BOOST_TEST(error_text(error, "web1").starts_with("mshvctl: error: web1: web1 is busy"));
    const auto json = error_document(error);
    BOOST_TEST(json.starts_with(R"({"error":{"code":"busy","message":"web1 is busy\u001b[2J",)"));
    BOOST_TEST(json.find("\"exit_status\":8") != std::string::npos);
    BOOST_TEST(json.find('\n') == json.size() - 1);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
