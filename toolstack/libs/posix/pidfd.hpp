// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/posix/fd.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>

namespace mshv::posix {

/// How a child ended.
struct ExitStatus {
    bool signalled = false;
    int value = 0; ///< exit code, or signal number when `signalled`

    bool operator==(const ExitStatus&) const = default;
};

/// Who a process is for as long as the machine is up: a pid alone is reused, a pid with its start
/// time is not. `start_ticks` is field 22 of /proc/PID/stat (clock ticks since boot).
struct ProcessIdentity {
    pid_t pid = 0;
    std::uint64_t start_ticks = 0;

    bool operator==(const ProcessIdentity&) const = default;
};

/// The identity of the process that has `pid` now; empty when there is none (or a zombie).
std::optional<ProcessIdentity> identify_process(pid_t pid);

/// The running kernel's boot id (/proc/sys/kernel/random/boot_id).
std::string boot_id();

/// A process by descriptor: signals go to this very process, never to one that reused its pid.
class PidFd {
public:
    PidFd() = default;
    explicit PidFd(Fd fd) : fd_(std::move(fd)) {}

    /// Opens a child of this process that has not been reaped yet; it may have ended already.
    static PidFd open_child(pid_t pid);
    /// Opens `identity`; empty when that process is gone or its pid is another process's now.
    static std::optional<PidFd> open(ProcessIdentity identity);

    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] explicit operator bool() const { return static_cast<bool>(fd_); }
    /// True until the process has ended (a zombie has ended).
    [[nodiscard]] bool alive() const;
    /// Sends `signal`; false when the process is gone already.
    bool signal(int signal) const;
    /// Waits for the end of a process, a child or not; throws TimedOut.
    void wait_ended(Deadline deadline) const;
    /// Reaps a child that has ended; empty while it still runs. Throws for a process that is not
    /// this one's child.
    [[nodiscard]] std::optional<ExitStatus> reap() const;

private:
    Fd fd_;
};

} // namespace mshv::posix
