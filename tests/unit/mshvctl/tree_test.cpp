// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/tree.hpp"

#include "toolstack/libs/api/error.hpp"
#include "toolstack/mshvctl/xl_commands.hpp"

#include <boost/test/unit_test.hpp>
#include <set>

namespace {

using namespace mshv;
using namespace mshv::ctl;

void check_options(std::string_view verb, const Arguments& arguments,
                   std::set<std::string_view> taken) {
    for (const auto& option : arguments.options()) {
        BOOST_TEST_CONTEXT(verb) {
            BOOST_TEST(!option.names.empty());
            BOOST_TEST(!option.help.empty());
            BOOST_TEST(!option.help.ends_with('.'));
            BOOST_TEST((option.kind != ValueKind::choice || !option.choices.empty()));
            for (const auto name : option.names) {
                BOOST_TEST(name.starts_with('-'));
                BOOST_TEST((name.starts_with("--") || name.size() == 2));
                BOOST_TEST(taken.insert(name).second, name << " is declared twice");
            }
        }
    }
}

std::set<std::string_view> global_names() {
    static const Arguments globals = global_declaration();
    std::set<std::string_view> names{"--help", "-h", "--version"};
    for (const auto& option : globals.options()) {
        names.insert(option.names.begin(), option.names.end());
    }
    return names;
}

BOOST_AUTO_TEST_SUITE(tree)

BOOST_AUTO_TEST_CASE(every_verb_and_option_is_described) {
    std::set<std::string_view> verbs;
    for (const auto& verb : verb_table()) {
        BOOST_TEST(verbs.insert(verb.name).second);
        BOOST_TEST(!verb.summary.empty());
        BOOST_TEST(verb.summary.size() <= 72U, verb.name);
        BOOST_TEST(!verb.group.empty());
        BOOST_TEST(verb.hidden == verb.name.starts_with("__"));
        const Arguments arguments = declaration_of(verb);
        check_options(verb.name, arguments, global_names());
        for (const auto& positional : arguments.positionals()) {
            BOOST_TEST(!positional.help.empty());
        }
        BOOST_TEST(help_text(verb).find(verb.name) != std::string::npos);
    }
    check_options("global", global_declaration(), {});
}

BOOST_AUTO_TEST_CASE(only_the_last_positional_takes_many) {
    for (const auto& verb : verb_table()) {
        const Arguments arguments = declaration_of(verb);
        for (std::size_t i = 0; i + 1 < arguments.positionals().size(); ++i) {
            BOOST_TEST(arguments.positionals()[i].most == 1U, verb.name);
            BOOST_TEST(arguments.positionals()[i].least == 1U, verb.name);
        }
    }
}

BOOST_AUTO_TEST_CASE(help_names_every_verb_and_fits_a_terminal) {
    const std::string help = help_text();
    for (const auto& verb : verb_table()) {
        BOOST_TEST((help.find("\n  " + std::string(verb.name)) == std::string::npos) ==
                   verb.hidden);
    }
    std::size_t start = 0;
    while (start < help.size()) {
        const auto end = help.find('\n', start);
        BOOST_TEST(end - start <= 90U, help.substr(start, end - start));
        start = end + 1;
    }
}

BOOST_AUTO_TEST_CASE(prefixes_are_for_persons) {
    BOOST_TEST(resolve_verb("list", false).name == "list");
    BOOST_TEST(resolve_verb("dest", true).name == "destroy");
    BOOST_CHECK_THROW(resolve_verb("dest", false), api::Error);
    BOOST_CHECK_THROW(resolve_verb("un", true), api::Error);
    BOOST_CHECK_THROW(resolve_verb("", true), api::Error);
    BOOST_CHECK_THROW(resolve_verb("__t", true), api::Error);
    try {
        resolve_verb("destory", false);
        BOOST_ERROR("nothing was thrown");
    } catch (const api::Error& error) {
        BOOST_CHECK(error.code() == api::ErrorCode::usage);
        BOOST_TEST(error.hint() == "did you mean 'destroy'?");
    }
}

BOOST_AUTO_TEST_CASE(each_command_of_xl_is_a_verb_or_says_why_not) {
    std::set<std::string_view> names;
    for (const auto& command : xl_commands()) {
        BOOST_TEST_CONTEXT(command.name) {
            BOOST_TEST(names.insert(command.name).second);
            const bool is_verb = find_verb(command.name) != nullptr;
            BOOST_TEST(is_verb == (command.fate == XlCommand::Fate::here));
            BOOST_TEST(is_verb == command.answer.empty());
            BOOST_TEST(!command.answer.ends_with('.'));
            BOOST_TEST((find_xl_command(command.name) == nullptr) == is_verb);
            if (is_verb) {
                continue;
            }
            try {
                resolve_verb(command.name, true);
                BOOST_ERROR("nothing was thrown");
            } catch (const api::Error& error) {
                BOOST_TEST(api::error_info(error.code()).exit_status ==
                           (command.fate == XlCommand::Fate::elsewhere ? 2 : 7));
                BOOST_TEST(error.hint() == command.answer);
            }
        }
    }
    BOOST_TEST(names.size() == 97U);
}

BOOST_AUTO_TEST_CASE(what_xl_commands_are_sent_to_exists) {
    for (const auto& command : xl_commands()) {
        // 'config edit' and the like: the first word is a verb.
        for (auto at = command.answer.find(" '"); at != std::string_view::npos;
             at = command.answer.find(" '", at + 1)) {
            const auto verb = command.answer.substr(at + 2);
            BOOST_TEST(find_verb(verb.substr(0, verb.find_first_of(" '"))) != nullptr, verb);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
