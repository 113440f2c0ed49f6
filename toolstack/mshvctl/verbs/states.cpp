// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/verbs/states.hpp"

namespace mshv::ctl::verbs {

Option states_option(std::string_view name, std::string_view help,
                     std::vector<api::State>& target) {
    Option option;
    option.names = {name};
    option.value = "STATE";
    option.help = help;
    option.kind = ValueKind::choice;
    option.repeatable = true;
    for (const auto& [state, word] : api::EnumNames<api::State>::names) {
        option.choices.push_back(word);
    }
    option.store = [&target, name, choices = option.choices](std::string_view words) {
        for (;;) {
            const auto comma = words.find(',');
            const auto word = words.substr(0, comma);
            require_choice(word, choices, name);
            target.push_back(*api::from_name<api::State>(word));
            if (comma == std::string_view::npos) {
                return;
            }
            words.remove_prefix(comma + 1);
        }
    };
    return option;
}

} // namespace mshv::ctl::verbs
