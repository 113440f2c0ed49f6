// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/mshvctl/arguments.hpp"
#include "toolstack/mshvctl/client.hpp"
#include "toolstack/mshvctl/output/output.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mshv::ctl {

/// The options that every verb takes, before or after it.
struct Globals {
    std::optional<std::string> connect;
    bool json = false;
    bool no_header = false;
    std::optional<std::chrono::milliseconds> timeout;
    std::optional<std::chrono::milliseconds> wait_busy;
    bool dry_run = false;
    bool verbose = false;

    void declare(Arguments& arguments);
};

/// What a verb works with. Not thread-safe; lives as long as the run.
class Context {
public:
    explicit Context(const Globals& globals) : globals_(globals) {}

    [[nodiscard]] const Globals& globals() const { return globals_; }
    [[nodiscard]] bool json() const { return globals_.json; }
    Output& out() { return out_; }
    /// Connects at the first request, so that verbs that need no daemon never do.
    Client& client();
    /// When the whole command shall be done: --timeout, else `otherwise` from now.
    [[nodiscard]] posix::Deadline deadline(std::chrono::milliseconds otherwise) const;
    /// For a question that the daemon answers at once.
    [[nodiscard]] posix::Deadline read_deadline() const;
    /// For a change that the daemon allows `span`: with what it may wait for another operation, and
    /// room for the answer, so that it is the daemon that says which wait ran out.
    [[nodiscard]] posix::Deadline
    operation_deadline(std::chrono::milliseconds span = std::chrono::seconds(30)) const;
    /// Prints `text` as it is, at once.
    void print(std::string_view text);
    /// A line on standard error, escaped.
    void warn(std::string_view text) const;
    /// With -N, says what would be done and returns true.
    bool dry_run(std::string_view what);
    /// What mshvctl exits with when nothing has failed.
    void set_exit_status(int status) { exit_status_ = status; }
    [[nodiscard]] int exit_status() const { return exit_status_; }
    /// With -N and --json, prints all that dry_run() was told, as one document.
    void end_dry_run();

private:
    const Globals& globals_;
    Output out_;
    std::vector<std::string> would_; ///< do without -N
    std::unique_ptr<Client> client_;
    int exit_status_ = 0;
};

} // namespace mshv::ctl
