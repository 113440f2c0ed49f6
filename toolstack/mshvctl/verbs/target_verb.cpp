// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/verbs/target_verb.hpp"

namespace mshv::ctl::verbs {

void TargetVerb::declare(Arguments& arguments) {
    targets_.declare(arguments, all_help_);
    declare_more(arguments);
}

void TargetVerb::run(Context& context) {
    const auto selectors =
        targets_.resolve(context, [this](const api::PartitionView& view) { return applies(view); });
    for_each_target(
        context, name_, selectors,
        [&](const api::Selector& selector) { return act(context, selector); },
        reports() ? Report::yes : Report::failures_only);
}

bool is_live(const api::PartitionView& view) {
    return view.state != api::State::shutoff && view.state != api::State::crashed;
}

} // namespace mshv::ctl::verbs
