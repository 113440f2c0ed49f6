// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/posix/lock_file.hpp"

#include "toolstack/libs/posix/file.hpp"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace mshv::posix {

FileLock lock_file(const std::string& path) {
    FileLock lock{open_file(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600), 0};
    // Of the process, not of the open file: a child between fork and exec has the open file too and
    // would keep the lock for a moment after its parent was killed.
    struct flock whole {};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    if (::fcntl(lock.file.get(), F_SETLK, &whole) != 0) {
        if (errno != EAGAIN && errno != EACCES) {
            throw_errno("lock " + path);
        }
        if (::fcntl(lock.file.get(), F_GETLK, &whole) == 0 && whole.l_type != F_UNLCK) {
            lock.holder = whole.l_pid;
        }
        lock.file.reset();
        return lock;
    }
    const std::string pid = std::to_string(::getpid()) + "\n";
    check(::ftruncate(lock.file.get(), 0), path);
    check(::pwrite(lock.file.get(), pid.data(), pid.size(), 0), path);
    return lock;
}

} // namespace mshv::posix
