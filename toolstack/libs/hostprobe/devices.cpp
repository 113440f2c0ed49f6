// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/hostprobe/hostprobe.hpp"
#include "toolstack/libs/posix/fd.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>

namespace mshv::hostprobe {

DeviceFacts probe_device(const std::string& path) {
    DeviceFacts facts;
    facts.path = path;
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) {
        facts.why = errno == ENOENT ? path + " does not exist"
                                    : path + ": " + std::generic_category().message(errno);
        return facts;
    }
    facts.exists = true;
    facts.mode = info.st_mode & 07777U;
    facts.uid = info.st_uid;
    facts.gid = info.st_gid;
    if (!S_ISCHR(info.st_mode)) {
        facts.why = path + " is no character device";
        return facts;
    }
    const posix::Fd fd{::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK)};
    facts.openable = static_cast<bool>(fd);
    facts.why =
        fd ? "opened" : path + " cannot be opened: " + std::generic_category().message(errno);
    return facts;
}

} // namespace mshv::hostprobe
