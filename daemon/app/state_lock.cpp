// SPDX-License-Identifier: Apache-2.0
#include "daemon/app/state_lock.hpp"

#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace mshv::app {

StateLock::StateLock(const std::string& state_dir) {
    posix::make_directories(state_dir, 0700);
    const std::string path = state_dir + "/lock";
    file_ = posix::open_file(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
    // An open-file-description lock belongs to this descriptor alone: no other open or close of the
    // file in this process drops it, and a child does not inherit it over exec.
    struct flock whole {};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    if (::fcntl(file_.get(), F_OFD_SETLK, &whole) != 0) {
        if (errno != EAGAIN && errno != EACCES) {
            posix::throw_errno("lock " + path);
        }
        std::string holder = posix::read_all(file_.get(), 64, path);
        std::erase_if(holder, [](char c) { return c < '0' || c > '9'; });
        throw api::Error(api::ErrorCode::busy,
                         "state dir " + state_dir + " is locked by " +
                             (holder.empty() ? "another process" : "pid " + holder),
                         "only one mshvd may use a state folder");
    }
    posix::check(::ftruncate(file_.get(), 0), "truncate " + path);
    posix::write_all(file_.get(), std::to_string(::getpid()) + "\n", posix::Deadline::never(), path);
}

} // namespace mshv::app
