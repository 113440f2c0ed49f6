// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/verbs/target_verb.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace mshv::ctl::verbs {

void TargetVerb::declare(Arguments& arguments) {
    targets_.declare(arguments, all_help_);
    declare_more(arguments);
}

void TargetVerb::run(Context& context) {
    for_each_target(context, name_, targets(context), [&](const api::Selector& selector) {
        return act(context, selector);
    });
}

std::vector<api::Selector> TargetVerb::targets(Context& context) {
    return targets_.resolve(context,
                            [this](const api::PartitionView& view) { return applies(view); });
}

void TargetVerb::ask_then_wait(Context& context, const Wait& wait) {
    struct Asked {
        api::Selector target;
        std::optional<api::PartitionView> view;
        std::optional<api::Error> error;
    };
    std::vector<Asked> all;
    for (auto& target : targets(context)) {
        Asked asked{std::move(target), {}, {}};
        try {
            if (!context.globals().dry_run) {
                asked.view = act(context, asked.target);
            }
        } catch (const api::Error& error) {
            asked.error = error;
        }
        all.push_back(std::move(asked));
    }
    // What has failed already is told before the wait.
    std::stable_partition(all.begin(), all.end(),
                          [](const Asked& asked) { return asked.error.has_value(); });
    std::vector<api::Selector> selectors;
    selectors.reserve(all.size());
    for (const auto& asked : all) {
        selectors.push_back(asked.target);
    }
    auto next = all.begin();
    for_each_target(context, name_, selectors, [&](const api::Selector&) {
        const Asked& asked = *next++;
        if (asked.error) {
            throw api::Error(*asked.error);
        }
        return wait(asked.view.value());
    });
}

bool is_live(const api::PartitionView& view) {
    return view.state != api::State::shutoff && view.state != api::State::crashed;
}

} // namespace mshv::ctl::verbs
