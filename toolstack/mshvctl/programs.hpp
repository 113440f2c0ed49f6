// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mshv::ctl {

/// The words of `text` between separators; several in a row count as one.
std::vector<std::string> split_words(std::string_view text, char separator);

/// The file that PATH finds for `name`, or `name` itself where it is a path; empty when there is
/// none that may be executed.
std::optional<std::string> find_program(const std::string& name);

} // namespace mshv::ctl
