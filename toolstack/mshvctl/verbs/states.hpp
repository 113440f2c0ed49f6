// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/view.hpp"
#include "toolstack/mshvctl/arguments.hpp"

#include <string_view>
#include <vector>

namespace mshv::ctl::verbs {

/// An option that takes states, separated by commas, repeatable.
Option states_option(std::string_view name, std::string_view help, std::vector<api::State>& target);

} // namespace mshv::ctl::verbs
