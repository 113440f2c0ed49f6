// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/mshvctl/arguments.hpp"

#include <functional>
#include <string_view>
#include <vector>

namespace mshv::ctl::verbs {

/// Declares -o COLUMN,...: `add` takes each of `names` that is given, in order.
void declare_columns(Arguments& arguments, std::vector<std::string_view> names,
                     std::function<void(std::string_view)> add);

} // namespace mshv::ctl::verbs
