// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/targets.hpp"

#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/escape.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/result.hpp"

#include <algorithm>
#include <atomic>
#include <fnmatch.h>
#include <mutex>
#include <thread>

namespace mshv::ctl {
namespace {

using api::Error;
using api::ErrorCode;

/// The daemon serves more clients than this one.
constexpr std::uint64_t most_parallel = 64;

void print_outcomes(Context& context, std::string_view verb, std::span<const Outcome> outcomes) {
    JsonWriter json(context.out().buffer());
    begin_document(json, verb);
    json.key("items").begin_array();
    for (const auto& outcome : outcomes) {
        json.begin_object().field("target", outcome.target);
        json.key("ok").boolean(!outcome.error);
        if (outcome.view) {
            json.key("partition").raw(api::encode(*outcome.view));
        }
        if (outcome.error) {
            json.key("error");
            write_error_object(json, *outcome.error);
        }
        json.end_object();
    }
    json.end_array().end_object();
    context.out().write("\n");
}

} // namespace

void Choice::declare(Arguments& arguments, std::string_view names) {
    arguments.texts(names, "KEY[=VALUE]", "those that have this label; several must all fit",
                    labels_);
}

void Choice::take_patterns(std::vector<std::string>& words) {
    const auto first =
        std::stable_partition(words.begin(), words.end(), [](const std::string& word) {
            return word.find_first_of("*?[") == std::string::npos;
        });
    patterns_.assign(std::make_move_iterator(first), std::make_move_iterator(words.end()));
    words.erase(first, words.end());
}

void Choice::check() const {
    for (const auto& label : labels_) {
        if (label.empty() || label.front() == '=') {
            throw Error(ErrorCode::usage, "'" + label + "' is no KEY or KEY=VALUE of a label");
        }
    }
}

bool Choice::is_labelled(const api::PartitionView& view) const {
    return std::all_of(labels_.begin(), labels_.end(), [&](const std::string& label) {
        const auto equals = label.find('=');
        const auto found = view.labels.find(label.substr(0, equals));
        return found != view.labels.end() &&
               (equals == std::string::npos || found->second == label.substr(equals + 1));
    });
}

bool Choice::fits(const api::PartitionView& view) const {
    const bool named = patterns_.empty() ||
                       std::any_of(patterns_.begin(), patterns_.end(), [&](const auto& pattern) {
                           return ::fnmatch(pattern.c_str(), view.name.c_str(), 0) == 0;
                       });
    return named && is_labelled(view);
}

void Choice::require_hits(std::span<const api::PartitionView> views) const {
    for (const auto& pattern : patterns_) {
        if (std::none_of(views.begin(), views.end(), [&](const auto& view) {
                return ::fnmatch(pattern.c_str(), view.name.c_str(), 0) == 0;
            })) {
            throw Error(ErrorCode::not_found, "no partition's name fits '" + pattern + "'");
        }
    }
    if (std::none_of(views.begin(), views.end(), [&](const auto& view) { return fits(view); })) {
        std::string labels;
        for (const auto& label : labels_) {
            labels += (labels.empty() ? "'" : " and '") + label + "'";
        }
        throw Error(ErrorCode::not_found, "no partition is labelled " + labels +
                                              (patterns_.empty() ? "" : " and fits the pattern"));
    }
}

void Targets::declare(Arguments& arguments, std::string_view all_help) {
    if (!all_help.empty()) {
        arguments.flag("-a,--all", all_help, all_);
    }
    choice_.declare(arguments, "-l,--label");
    arguments.number("--parallel", "N", "work on so many at a time; one when not given", parallel_,
                     most_parallel);
    // None may be given beside -a or -l; resolve() knows.
    arguments.positionals("PARTITION",
                          "name, pattern such as 'web*', number, UUID or the first 4 or more "
                          "digits of a UUID",
                          ValueKind::partition, names_, 0);
}

std::size_t Targets::parallel() const {
    return std::max<std::size_t>(1, parallel_.value_or(1));
}

std::vector<api::Selector>
Targets::resolve(Context& context, const std::function<bool(const api::PartitionView&)>& applies,
                 NoHits no_hits) {
    choice_.take_patterns(names_);
    choice_.check();
    auto selectors = parse_selectors(names_);
    const bool chosen = choice_.by_label() || choice_.by_pattern();
    if (all_ && (chosen || !names_.empty())) {
        throw Error(ErrorCode::usage, "-a and a choice of partitions exclude each other");
    }
    if (choice_.by_label() && !names_.empty()) {
        throw Error(ErrorCode::usage, "-l and names exclude each other",
                    "a pattern beside -l chooses among those with the label");
    }
    if (!all_ && !chosen && names_.empty()) {
        throw Error(ErrorCode::usage, "PARTITION is missing",
                    "name one or more, or choose them by a pattern or label");
    }
    if (!all_ && !chosen) {
        return selectors;
    }
    const auto views = context.client().list(true, context.read_deadline());
    if (chosen && no_hits == NoHits::refuse) {
        choice_.require_hits(views);
    }
    for (const auto& view : views) {
        if (choice_.fits(view) && applies(view)) {
            selectors.push_back({api::Selector::Kind::name, view.name});
        }
    }
    return selectors;
}

std::vector<api::Selector> parse_selectors(std::span<const std::string> names) {
    std::vector<api::Selector> selectors;
    selectors.reserve(names.size());
    for (const auto& name : names) {
        selectors.push_back(api::Selector::parse(name));
    }
    return selectors;
}

std::optional<Error> combined_error(std::span<const Outcome> outcomes) {
    std::vector<ErrorCode> failures;
    for (const auto& outcome : outcomes) {
        if (outcome.error) {
            failures.push_back(outcome.error->code());
        }
    }
    if (failures.empty()) {
        return std::nullopt;
    }
    if (outcomes.size() == 1) {
        return outcomes.front().error;
    }
    const std::string counted = std::to_string(failures.size()) + " of " +
                                std::to_string(outcomes.size()) + " partitions failed";
    if (failures.size() < outcomes.size()) {
        return Error(ErrorCode::partial, counted);
    }
    const bool alike = std::all_of(failures.begin(), failures.end(),
                                   [&](ErrorCode code) { return code == failures.front(); });
    return Error(alike ? failures.front() : ErrorCode::failed, counted);
}

std::vector<Outcome> work_on(Context& context, std::span<const api::Selector> targets,
                             std::size_t parallel, const Work& work, Tell tell) {
    std::vector<Outcome> outcomes(targets.size());
    std::atomic<std::size_t> next = 0;
    std::mutex telling;
    const auto take_turns = [&](Context& own) {
        for (std::size_t i = next++; i < targets.size(); i = next++) {
            Outcome& outcome = outcomes[i];
            outcome.target = targets[i].text;
            try {
                outcome.view = work(own, targets[i]);
            } catch (const Error& error) {
                outcome.error = error;
            } catch (const std::exception& error) {
                outcome.error = Error(ErrorCode::failed, error.what());
            }
            if (outcome.error && tell == Tell::at_once && targets.size() > 1 && !own.json()) {
                const std::scoped_lock lock(telling);
                write_error(error_text(*outcome.error, outcome.target));
            }
        }
    };
    std::vector<std::jthread> helpers;
    for (std::size_t n = 1; n < std::min(parallel, targets.size()); ++n) {
        helpers.emplace_back([&] {
            Context own(context.globals());
            take_turns(own);
        });
    }
    take_turns(context);
    helpers.clear();
    return outcomes;
}

void for_each_target(Context& context, std::string_view verb,
                     std::span<const api::Selector> targets, std::size_t parallel,
                     const Work& work) {
    if (context.globals().dry_run) {
        for (const auto& target : targets) {
            context.dry_run(std::string(verb) + " " + target.text);
        }
        return;
    }
    const auto outcomes = work_on(context, targets, parallel, work);
    auto error = combined_error(outcomes);
    if (context.json()) {
        print_outcomes(context, verb, outcomes);
    } else if (context.globals().verbose) {
        for (const auto& outcome : outcomes) {
            if (outcome.view) {
                context.out().line(api::escape_terminal(outcome.view->name) + ": " +
                                   std::string(api::to_name(outcome.view->state)));
            }
        }
    }
    if (error) {
        throw Error(*error);
    }
}

} // namespace mshv::ctl
