// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/parser.hpp"

#include "toolstack/libs/api/error.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>

namespace mshv::ctl {
namespace {

using api::Error;
using api::ErrorCode;

/// More words than any command line of ours has a use for; CLI11 wants a bound.
constexpr int many = 1 << 20;

std::string joined_names(const Option& option) {
    std::string names;
    for (const auto name : option.names) {
        names += (names.empty() ? "" : ",") + std::string(name);
    }
    return names;
}

void add_option(CLI::App& app, const Option& option) {
    if (option.value.empty()) {
        app.add_flag_function(joined_names(option), [&option](std::int64_t) { option.store({}); })
            ->disable_flag_override();
        return;
    }
    app.add_option(joined_names(option), CLI::callback_t([&option](const CLI::results_t& values) {
                       for (const auto& value : values) {
                           option.store(value);
                       }
                       return true;
                   }))
        ->type_size(1)
        ->expected(1)
        ->allow_extra_args(false)
        ->multi_option_policy(option.repeatable ? CLI::MultiOptionPolicy::TakeAll
                                                : CLI::MultiOptionPolicy::TakeLast);
}

void add_positional(CLI::App& app, const Positional& positional) {
    auto* option = app.add_option(
        std::string(positional.name), CLI::callback_t([&positional](const CLI::results_t& values) {
            for (const auto& value : values) {
                if (!positional.choices.empty()) {
                    require_choice(value, positional.choices, positional.name);
                }
                positional.store(value);
            }
            return true;
        }));
    const int most = positional.most == 0 ? many : static_cast<int>(positional.most);
    option->type_size(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    option->expected(std::max(1, static_cast<int>(positional.least)), most);
    option->allow_extra_args(positional.most != 1);
    option->required(positional.least > 0);
}

[[noreturn]] void refuse_extra(const Arguments& arguments, const std::string& word,
                               const std::string& see) {
    if (word.size() < 2 || word.front() != '-') {
        throw Error(ErrorCode::usage, "unexpected argument '" + word + "'", see);
    }
    std::vector<std::string_view> names;
    for (const auto& option : arguments.options()) {
        names.insert(names.end(), option.names.begin(), option.names.end());
    }
    const std::string name = word.substr(0, word.find('='));
    const auto meant = name.starts_with("--") ? nearest(name, names) : std::string_view{};
    throw Error(ErrorCode::usage, "unknown option '" + name + "'",
                meant.empty() ? see : "did you mean '" + std::string(meant) + "'?");
}

/// The first word that no declaration took; CLI11 leaves the "--" before positionals among them.
std::optional<std::string> first_extra(const CLI::App& app) {
    for (auto& word : app.remaining()) {
        if (word != "--") {
            return std::move(word);
        }
    }
    return std::nullopt;
}

/// The option whose value `word` carries or announces; null when it is none of `globals`.
const Option* find_option(const Arguments& globals, std::string_view word) {
    const bool is_long = word.starts_with("--");
    const auto name = is_long ? word.substr(0, word.find('=')) : word.substr(0, 2);
    for (const auto& option : globals.options()) {
        if (std::find(option.names.begin(), option.names.end(), name) != option.names.end()) {
            return &option;
        }
    }
    return nullptr;
}

} // namespace

void parse_arguments(const Arguments& arguments, std::string_view verb,
                     const std::vector<std::string>& words) {
    CLI::App app("", "mshvctl");
    app.set_help_flag();
    app.allow_extras();
    for (const auto& option : arguments.options()) {
        add_option(app, option);
    }
    for (const auto& positional : arguments.positionals()) {
        add_positional(app, positional);
    }
    const std::string see =
        verb.empty() ? "see mshvctl help" : "see mshvctl help " + std::string(verb);
    try {
        app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
    } catch (const CLI::RequiredError& error) {
        // An unknown option explains better why something is missing.
        if (const auto extra = first_extra(app)) {
            refuse_extra(arguments, *extra, see);
        }
        throw Error(ErrorCode::usage, error.what(), see);
    } catch (const CLI::ParseError& error) {
        throw Error(ErrorCode::usage, error.what(), see);
    }
    if (const auto extra = first_extra(app)) {
        refuse_extra(arguments, *extra, see);
    }
}

SplitLine split_at_verb(const Arguments& globals, const std::vector<std::string>& words) {
    SplitLine line;
    std::size_t at = 0;
    while (at < words.size() && words[at].size() > 1 && words[at].front() == '-') {
        const std::string& word = words[at];
        const Option* option = find_option(globals, word);
        if (option == nullptr) {
            refuse_extra(globals, word, "options of a verb stand after it; see mshvctl help");
        }
        line.before.push_back(word);
        ++at;
        const bool has_value =
            word.starts_with("--") ? word.find('=') != std::string::npos : word.size() > 2;
        if (!option->value.empty() && !has_value && at < words.size()) {
            line.before.push_back(words[at++]);
        }
    }
    if (at < words.size()) {
        line.verb = words[at];
        line.after.assign(words.begin() + static_cast<std::ptrdiff_t>(at) + 1, words.end());
    }
    return line;
}

} // namespace mshv::ctl
