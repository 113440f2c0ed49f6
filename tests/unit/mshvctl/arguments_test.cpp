// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/arguments.hpp"

#include "toolstack/libs/api/error.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/parser.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace std::chrono_literals;
using namespace mshv;
using namespace mshv::ctl;

/// The message and hint of the usage error that `work` throws.
template <typename Work>
std::string usage_error(Work work) {
    try {
        work();
    } catch (const api::Error& error) {
        BOOST_CHECK(error.code() == api::ErrorCode::usage);
        return error.message() + " | " + error.hint();
    }
    BOOST_ERROR("nothing was thrown");
    return {};
}

struct Example {
    bool wait = false, all = false;
    std::string name;
    std::vector<std::string> sets, targets;
    std::optional<std::chrono::milliseconds> timeout;
    Arguments arguments;

    Example() {
        arguments.flag("-w,--wait", "wait", wait);
        arguments.flag("-a,--all", "all", all);
        arguments.text("-n,--name", "NAME", "name", name);
        arguments.texts("--set", "KEY=VALUE", "set", sets);
        arguments.duration("--timeout", "TIME", "time", timeout);
        arguments.positionals("PARTITION", "which", ValueKind::partition, targets, 1);
    }
    void parse(const std::vector<std::string>& words) { parse_arguments(arguments, "verb", words); }
};

BOOST_AUTO_TEST_SUITE(arguments)

BOOST_AUTO_TEST_CASE(durations) {
    BOOST_CHECK(parse_duration("90", "x") == 90s);
    BOOST_CHECK(parse_duration("500ms", "x") == 500ms);
    BOOST_CHECK(parse_duration("2m", "x") == 120s);
    BOOST_CHECK(parse_duration("1h", "x") == 3600s);
    BOOST_CHECK(parse_duration("0", "x") == 0s);
    for (const auto* bad :
         {"", "s", "-1", "1.5", "1 s", "5d", "99999999999999999999", "99999999h"}) {
        usage_error([&] { parse_duration(bad, "--timeout"); });
    }
}

BOOST_AUTO_TEST_CASE(numbers) {
    BOOST_TEST(parse_number("42", "x") == 42U);
    for (const auto* bad : {"", "-1", "0x10", "7x", "101"}) {
        usage_error([&] { parse_number(bad, "x", 100); });
    }
}

BOOST_AUTO_TEST_CASE(the_nearest_word_is_meant) {
    constexpr std::array<std::string_view, 3> words{"destroy", "define", "shutdown"};
    BOOST_TEST(nearest("destory", words) == "destroy");
    BOOST_TEST(nearest("defin", words) == "define");
    BOOST_TEST(nearest("shutdwon", words) == "shutdown");
    BOOST_TEST(nearest("migrate", words).empty());
    BOOST_TEST(nearest("", words).empty());
}

BOOST_AUTO_TEST_CASE(options_and_targets_in_any_order) {
    Example example;
    example.parse({"web1", "-wa", "--set", "memory=1G", "--name=x", "--set=a=b", "web2"});
    BOOST_TEST((example.wait && example.all));
    BOOST_TEST(example.name == "x");
    BOOST_TEST(example.sets == (std::vector<std::string>{"memory=1G", "a=b"}),
               boost::test_tools::per_element());
    BOOST_TEST(example.targets == (std::vector<std::string>{"web1", "web2"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_empty_word_reaches_the_verb) {
    Example example;
    example.parse({"a", ""});
    BOOST_TEST(example.targets.size() == 2U);
    BOOST_TEST(example.targets.back().empty());
}

BOOST_AUTO_TEST_CASE(words_behind_two_dashes_are_targets) {
    Example example;
    example.parse({"--", "-w", "--name"});
    BOOST_TEST(example.targets.size() == 2U);
    BOOST_TEST(!example.wait);
}

BOOST_AUTO_TEST_CASE(the_last_of_several_values_counts) {
    Example example;
    example.parse({"--name", "a", "--name", "b", "x"});
    BOOST_TEST(example.name == "b");
}

BOOST_AUTO_TEST_CASE(faults_say_what_to_do) {
    const auto error = [](const std::vector<std::string>& words) {
        Example example;
        return usage_error([&] { example.parse(words); });
    };
    BOOST_TEST(error({"x", "--wiat"}) == "unknown option '--wiat' | did you mean '--wait'?");
    BOOST_TEST(error({"x", "-z"}) == "unknown option '-z' | see mshvctl help verb");
    BOOST_TEST(error({}).find("PARTITION") != std::string::npos);
    BOOST_TEST(error({"x", "--name"}).find("--name") != std::string::npos);
    BOOST_TEST(error({"x", "--timeout", "soon"}).find("'soon'") == 0U);
    BOOST_TEST(error({"--wiat"}) == "unknown option '--wiat' | did you mean '--wait'?");
}

BOOST_AUTO_TEST_CASE(the_verb_is_found_behind_global_options) {
    Globals globals;
    Arguments declared;
    globals.declare(declared);
    const auto line = split_at_verb(
        declared, {"--json", "--connect", "/s", "--timeout=5", "-v", "list", "-a", "x"});
    BOOST_TEST(line.verb == "list");
    BOOST_TEST(line.before.size() == 5U);
    BOOST_TEST(line.after == (std::vector<std::string>{"-a", "x"}),
               boost::test_tools::per_element());
    BOOST_TEST(split_at_verb(declared, {"--json"}).verb.empty());
    usage_error([&] { split_at_verb(declared, {"--wait", "list"}); });
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
