// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/verbs/target_verb.hpp"

#include <algorithm>
#include <utility>

namespace mshv::ctl::verbs {

void TargetVerb::declare(Arguments& arguments) {
    targets_.declare(arguments, all_help_);
    declare_more(arguments);
}

void TargetVerb::run(Context& context) {
    for_each_target(
        context, name_, targets(context), targets_.parallel(),
        [&](Context& own, const api::Selector& selector) { return act_or_forgive(own, selector); });
}

std::optional<api::PartitionView> TargetVerb::act_or_forgive(Context& context,
                                                             const api::Selector& selector) {
    try {
        return act(context, selector);
    } catch (const api::Error& error) {
        if (!forgives(context, selector, error)) {
            throw;
        }
        return std::nullopt;
    }
}

std::vector<api::Selector> TargetVerb::targets(Context& context) {
    return targets_.resolve(
        context, [this](const api::PartitionView& view) { return applies(view); }, no_hits());
}

void TargetVerb::ask_then_wait(Context& context, const Wait& wait) {
    const auto selectors = targets(context);
    if (context.globals().dry_run) {
        for_each_target(context, name_, selectors, 1, {});
        return;
    }
    struct Asked {
        api::Selector target;
        Outcome outcome;
    };
    std::vector<Asked> all;
    auto outcomes = work_on(
        context, selectors, targets_.parallel(),
        [&](Context& own, const api::Selector& selector) { return act_or_forgive(own, selector); },
        Tell::later);
    all.reserve(selectors.size());
    for (std::size_t i = 0; i < selectors.size(); ++i) {
        all.push_back({selectors[i], std::move(outcomes[i])});
    }
    // What has failed already is told before the wait.
    std::stable_partition(all.begin(), all.end(),
                          [](const Asked& asked) { return asked.outcome.error.has_value(); });
    std::vector<api::Selector> order;
    order.reserve(all.size());
    for (const auto& asked : all) {
        order.push_back(asked.target);
    }
    // One after the other: all of them are on their way already.
    auto next = all.begin();
    for_each_target(context, name_, order, 1,
                    [&](Context&, const api::Selector&) -> std::optional<api::PartitionView> {
                        const Outcome& asked = (next++)->outcome;
                        if (asked.error) {
                            throw api::Error(*asked.error);
                        }
                        return asked.view ? std::optional(wait(*asked.view)) : std::nullopt;
                    });
}

bool is_live(const api::PartitionView& view) {
    return view.state != api::State::shutoff && view.state != api::State::crashed;
}

} // namespace mshv::ctl::verbs
