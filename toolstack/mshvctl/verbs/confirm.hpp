// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

namespace mshv::ctl::verbs {

enum class Usual { yes, no };

/// Asks on standard error and reads a line of standard input; an empty one means `usual`. Nothing
/// when no person is there to answer.
std::optional<bool> confirm(std::string_view question, Usual usual);

} // namespace mshv::ctl::verbs
