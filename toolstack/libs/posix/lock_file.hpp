// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/posix/deadline.hpp"
#include "toolstack/libs/posix/fd.hpp"

#include <string>
#include <sys/types.h>

namespace mshv::posix {

struct FileLock {
    Fd file;          ///< holds the lock while it is open; empty when another process has it
    pid_t holder = 0; ///< who that is, or 0 when it did not say
};

/// Makes `path` (0600) when it is missing and locks it for this process, which is noted in it. The
/// kernel gives the lock back when its holder ends, however it ends, but not in that very moment: a
/// child that the holder was starting has it until it is executed. So this asks again until
/// `deadline`. Throws std::system_error.
FileLock lock_file(const std::string& path, Deadline deadline);

} // namespace mshv::posix
