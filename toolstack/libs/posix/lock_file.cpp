// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/posix/lock_file.hpp"

#include "toolstack/libs/posix/file.hpp"

#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace mshv::posix {
namespace {

// The kernel has no wait for a lock that ends at a time of day.
constexpr int retry_ms = 10;

bool try_lock(int file, const std::string& path) {
    // An open-file-description lock belongs to this descriptor alone: no other open or close of the
    // file in this process drops it, and a child does not inherit it over exec.
    struct flock whole {};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    if (::fcntl(file, F_OFD_SETLK, &whole) == 0) {
        return true;
    }
    if (errno != EAGAIN && errno != EACCES) {
        throw_errno("lock " + path);
    }
    return false;
}

} // namespace

FileLock lock_file(const std::string& path, Deadline deadline) {
    FileLock lock{open_file(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600), 0};
    while (!try_lock(lock.file.get(), path)) {
        if (deadline.expired()) {
            const std::string text = read_all(lock.file.get(), 64, path);
            (void)std::from_chars(text.data(), text.data() + text.size(), lock.holder);
            lock.file.reset();
            return lock;
        }
        (void)::poll(nullptr, 0, retry_ms);
    }
    const std::string pid = std::to_string(::getpid()) + "\n";
    check(::ftruncate(lock.file.get(), 0), path);
    check(::pwrite(lock.file.get(), pid.data(), pid.size(), 0), path);
    return lock;
}

} // namespace mshv::posix
