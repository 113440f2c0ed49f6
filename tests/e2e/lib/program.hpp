// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/posix/command.hpp"
#include "toolstack/libs/posix/deadline.hpp"
#include "toolstack/libs/posix/fd.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mshv::e2e {

using posix::Deadline;

/// How a program ended and what it wrote.
struct Outcome {
    int status = 0; ///< exit status, or 128 + signal
    std::string out;
    std::string err;
};

/// A program that runs, with pipes to its standard streams. Killed, and reaped, by the destructor.
class Program {
public:
    struct Options {
        std::vector<std::string> env = {}; ///< KEY=value; nothing else is passed
        /// Written and closed at once; empty = the pipe stays open.
        std::optional<std::string> input = {};
        /// Standard output and error go there, appended, instead of into pipes.
        std::string output_file = {};
    };

    Program(const std::vector<std::string>& argv, Options options);
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    Program(Program&&) = default;
    Program& operator=(Program&&) = delete;
    ~Program();

    [[nodiscard]] pid_t pid() const { return child_.identity.pid; }
    [[nodiscard]] bool alive() const { return child_.pidfd.alive(); }
    void signal(int number) const { child_.pidfd.signal(number); }

    void write(std::string_view text);
    void close_input() { input_.reset(); }

    /// Reads until everything written so far to standard output contains `text`, and returns all
    /// of it. Throws posix::TimedOut, with what came instead, also when the output ends before.
    const std::string& wait_for(std::string_view text, Deadline deadline);
    /// The same for `count` occurrences.
    const std::string& wait_for(std::string_view text, std::size_t count, Deadline deadline);
    /// Reads until so many bytes of standard output have come.
    void wait_for_bytes(std::size_t count, Deadline deadline);
    [[nodiscard]] const std::string& output() const { return out_; }
    [[nodiscard]] const std::string& errors() const { return err_; }

    /// Waits for the end and returns everything; throws posix::TimedOut after killing it.
    Outcome finish(Deadline deadline);

private:
    bool read_more(Deadline deadline);

    posix::Child child_;
    posix::Fd input_;
    posix::Fd output_;
    posix::Fd error_;
    std::string out_;
    std::string err_;
    std::optional<int> status_;
};

/// Runs `argv` to its end.
Outcome run(const std::vector<std::string>& argv, Program::Options options = {},
            Deadline deadline = Deadline::after(std::chrono::seconds(60)));

} // namespace mshv::e2e
