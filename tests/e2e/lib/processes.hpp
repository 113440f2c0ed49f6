// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>
#include <sys/types.h>
#include <vector>

namespace mshv::e2e {

/// A process as /proc shows it.
struct Process {
    pid_t pid = 0;
    pid_t parent = 0;
    char state = '?'; ///< R, S, D, T, Z …
    std::string name; ///< comm
    std::vector<std::string> argv;
};

/// Makes orphans of this process's descendants its own children, so that whatever a test starts is
/// found below the test, however it was forked.
void adopt_orphans();

/// Every living descendant of this process. Ended orphans are reaped, except those in `keep`,
/// whose exit status somebody waits for.
std::map<pid_t, Process> descendants(const std::set<pid_t>& keep = {});

std::vector<std::string> argv_of(pid_t pid);
/// Threads and descriptors of a process; 0 when it is gone.
std::size_t count_entries(pid_t pid, const char* folder);

} // namespace mshv::e2e
