// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/posix/deadline.hpp"

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

/// Runs a program, named as for find_program, with what it prints going to `output` and in this
/// program's environment. It ends with this thread, and is killed at the deadline. Throws
/// api::Error: unsupported where there is none, timeout, else failed with the last line that it
/// said on standard error.
void run_program(std::vector<std::string> words, int output, posix::Deadline deadline);

} // namespace mshv::ctl
