// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/verbs/column_option.hpp"

#include <utility>

namespace mshv::ctl::verbs {

void declare_columns(Arguments& arguments, std::vector<std::string_view> names,
                     std::function<void(std::string_view)> add) {
    Option columns;
    columns.names = {"-o", "--columns"};
    columns.value = "COLUMN";
    columns.help = "these columns, separated by commas";
    columns.kind = ValueKind::choice;
    columns.repeatable = true;
    columns.choices = names;
    columns.store = [names = std::move(names), add = std::move(add)](std::string_view words) {
        for (;;) {
            const auto comma = words.find(',');
            const auto word = words.substr(0, comma);
            require_choice(word, names, "-o");
            add(word);
            if (comma == std::string_view::npos) {
                return;
            }
            words.remove_prefix(comma + 1);
        }
    };
    arguments.custom(std::move(columns));
}

} // namespace mshv::ctl::verbs
