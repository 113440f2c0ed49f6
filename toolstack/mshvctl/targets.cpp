// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/targets.hpp"

#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/escape.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/result.hpp"

#include <algorithm>

namespace mshv::ctl {
namespace {

using api::Error;
using api::ErrorCode;

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

void Targets::declare(Arguments& arguments, std::string_view all_help) {
    if (!all_help.empty()) {
        arguments.flag("-a,--all", all_help, all_);
    }
    arguments.positionals("PARTITION", "name, number, UUID or the first 4 or more digits of a UUID",
                          ValueKind::partition, names_, all_help.empty() ? 1 : 0);
}

std::vector<api::Selector>
Targets::resolve(Context& context, const std::function<bool(const api::PartitionView&)>& applies) {
    auto selectors = parse_selectors(names_);
    if (all_ && !names_.empty()) {
        throw Error(ErrorCode::usage, "-a and names exclude each other");
    }
    if (!all_ && names_.empty()) {
        throw Error(ErrorCode::usage, "PARTITION is missing", "name one or more, or give -a");
    }
    if (all_) {
        for (const auto& view : context.client().list(true, context.read_deadline())) {
            if (applies(view)) {
                selectors.push_back({api::Selector::Kind::name, view.name});
            }
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

void for_each_target(Context& context, std::string_view verb,
                     std::span<const api::Selector> targets,
                     const std::function<api::PartitionView(const api::Selector&)>& work) {
    std::vector<Outcome> outcomes;
    for (const auto& selector : targets) {
        Outcome outcome{selector.text, std::nullopt, std::nullopt};
        if (context.dry_run(std::string(verb) + " " + selector.text)) {
            continue;
        }
        try {
            outcome.view = work(selector);
        } catch (const Error& error) {
            outcome.error = error;
            if (targets.size() > 1 && !context.json()) {
                write_error(error_text(error, selector.text));
            }
        }
        outcomes.push_back(std::move(outcome));
    }
    auto error = combined_error(outcomes);
    if (context.json() && !context.globals().dry_run) {
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
