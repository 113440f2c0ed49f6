// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/guestxml/support.hpp"

#include <boost/test/unit_test.hpp>

using namespace mshv;
using namespace mshv::guestxml;
using namespace mshv::guestxml::test;

BOOST_AUTO_TEST_SUITE(format)

BOOST_AUTO_TEST_CASE(a_problem_is_shown_with_its_line_and_hint) {
    const std::string document = partition("<devices><disk><source file='/a'/>\n"
                                           "\t<target dev='vda' bus='virtoi'/></disk></devices>");
    ParseOptions options;
    options.file_name = "web.xml";
    const ParseResult result = parse(document, options);
    BOOST_REQUIRE_EQUAL(result.problems.size(), 1U);
    BOOST_TEST(format_problem(result.problems[0], document) ==
               "web.xml:5:25: error[E-ENUM]: /partition/devices/disk/target/@bus: 'virtoi' is not "
               "one of virtio, sata\n"
               "   <target dev='vda' bus='virtoi'/></disk></devices>\n"
               "                          ^^^^^^\n"
               "  hint: did you mean 'virtio'?\n");
    const std::string coloured = format_problem(result.problems[0], document, Colour::yes);
    BOOST_TEST(coloured.find("\x1b[1;31merror[E-ENUM]\x1b[0m") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(nothing_foreign_reaches_the_terminal) {
    for (const auto& path : documents(data_dir() / "invalid")) {
        const std::string document = read(path);
        ParseOptions options;
        options.file_name = "a\x1b]0;title\x07\n.xml";
        for (const api::Problem& problem : parse(document, options).problems) {
            for (const char c : format_problem(problem, document)) {
                const bool control = (c >= 0 && c < 0x20 && c != '\n') || c == 0x7f;
                BOOST_REQUIRE_MESSAGE(!control, path);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_long_line_is_shown_in_part) {
    const std::string document = partition("<title>" + std::string(20000, 'a') + "</title>");
    const ParseResult result = parse(document);
    BOOST_REQUIRE_EQUAL(result.problems.size(), 1U);
    BOOST_TEST(format_problem(result.problems[0], document).size() < 800U);
}

BOOST_AUTO_TEST_CASE(a_place_beyond_the_document_is_harmless) {
    api::Problem problem;
    problem.line = 99;
    problem.column = 1000;
    problem.length = 50;
    problem.message = "x";
    BOOST_TEST(format_problem(problem, "a\n") == "99:1000: error: x\n");
    problem.line = 1;
    BOOST_TEST(format_problem(problem, "a\n").find('^') != std::string::npos);
}

BOOST_AUTO_TEST_CASE(problems_stand_in_the_order_of_lines_and_are_cut) {
    std::string body;
    for (int i = 0; i < 100; ++i) {
        body += "<bogus/>\n";
    }
    const ParseResult result = parse(partition(body));
    BOOST_REQUIRE_EQUAL(result.problems.size(), 65U);
    BOOST_TEST(result.problems.back().code == "E-LIMIT");
    BOOST_TEST(result.problems.back().message == "36 more problems are not listed");
    BOOST_TEST(std::is_sorted(result.problems.begin(), result.problems.end(),
                              [](const auto& a, const auto& b) { return a.line < b.line; }));
    BOOST_TEST(result.problems[3].where == "/partition/bogus[4]");
}

BOOST_AUTO_TEST_SUITE_END()
