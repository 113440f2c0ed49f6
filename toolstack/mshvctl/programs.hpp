// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/posix/command.hpp"
#include "toolstack/libs/posix/deadline.hpp"
#include "toolstack/libs/posix/fd.hpp"

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

/// One run of a program. It ends with the thread that started it. Not thread-safe.
class ProgramRun {
public:
    /// Starts the program at `path`, with what it prints going to `output` and what it says on
    /// standard error kept. Throws std::system_error.
    ProgramRun(const std::string& path, std::vector<std::string> words,
               std::vector<std::string> environment, int output);

    /// Until it has ended. At the deadline it is killed, and posix::TimedOut thrown.
    void wait(posix::Deadline deadline) const;
    /// What it said on standard error, after wait(); nothing when it has succeeded.
    [[nodiscard]] std::optional<std::string> complaint() const;

private:
    posix::Fd said_;
    posix::Child child_;
};

/// Runs a program, named as for find_program, with what it prints going to `output` and in this
/// program's environment. It ends with this thread, and is killed at the deadline. Throws
/// api::Error: unsupported where there is none, timeout, else failed with the last line that it
/// said on standard error.
void run_program(std::vector<std::string> words, int output, posix::Deadline deadline);

} // namespace mshv::ctl
