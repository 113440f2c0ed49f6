// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/posix/fd.hpp"

#include <string>
#include <sys/types.h>

namespace mshv::posix {

struct FileLock {
    Fd file;          ///< holds the lock while it is open; empty when another process has it
    pid_t holder = 0; ///< who that is, or 0 when it cannot be named here
};

/// Makes `path` (0600) when it is missing, locks it for this process and notes that in it. The
/// kernel gives the lock back in the moment in which its holder has ended, however it ends. It keeps
/// out other processes only, and closing any descriptor of this file in this process drops it.
/// Throws std::system_error.
FileLock lock_file(const std::string& path);

} // namespace mshv::posix
