// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/keeper/protocol.hpp"
#include "toolstack/libs/posix/command.hpp"
#include "toolstack/libs/posix/fd.hpp"

namespace mshv::keeper {

/// A forked VMM that waits at a gate before it executes its program: when the keeper dies before
/// open_gate(), the child sees the pipe's end and exits, so no VMM ever runs unrecorded.
class VmmChild {
public:
    /// Throws std::system_error when no process can be made. What fails in the child (an unknown
    /// program, a refused uid) is written to its stderr, and it exits 127.
    static VmmChild start(const LaunchSpec& spec);

    void open_gate();
    [[nodiscard]] const posix::ProcessIdentity& identity() const { return child_.identity; }
    [[nodiscard]] const posix::PidFd& pidfd() const { return child_.pidfd; }
    /// The non-blocking read end of its stderr.
    [[nodiscard]] const posix::Fd& errors() const { return errors_; }

private:
    posix::Child child_;
    posix::Fd gate_, errors_;
};

/// "state D, waiting in io_schedule": what a process that does not die is doing.
std::string describe_stuck(pid_t pid);

/// Kills what the VMM left behind: its orphans became this process's children (subreaper).
void kill_orphans();

} // namespace mshv::keeper
