// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/posix/pidfd.hpp"

#include <string>
#include <sys/types.h>
#include <vector>

namespace mshv::posix {

/// A program to run: argument vector (never a shell), environment and exactly the descriptors that
/// it shall have. Whatever is not listed is closed in the child.
struct Command {
    struct FdMapping {
        int source = -1; ///< descriptor here
        int target = -1; ///< its number in the child
    };

    std::string program;               ///< absolute path
    std::vector<std::string> argv;     ///< argv[0] included
    std::vector<std::string> env;      ///< KEY=value; nothing is inherited
    std::vector<FdMapping> fds;        ///< 0, 1 and 2 are /dev/null unless listed
    bool new_session = false;          ///< setsid: no terminal, no process group of ours
    /// SIGKILL when the thread that spawned it ends, in whatever way: for a helper that is waited
    /// for by that thread.
    bool dies_with_parent = false;
    /// A cgroup.procs, open for writing: the program begins in that group. -1 = in ours.
    int cgroup = -1;
};

struct Child {
    ProcessIdentity identity;
    PidFd pidfd;
};

/// Starts `command` and returns once it is executed. Signals are unblocked and at their defaults in
/// it. Throws std::system_error when the program cannot be executed. Thread-safe.
Child spawn(const Command& command);

/// The null-terminated array that exec takes; what it points at belongs to `strings`.
std::vector<char*> exec_pointers(const std::vector<std::string>& strings);

} // namespace mshv::posix
