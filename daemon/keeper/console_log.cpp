// SPDX-License-Identifier: Apache-2.0
#include "daemon/keeper/console_log.hpp"

#include "toolstack/libs/posix/crashpoint.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace mshv::keeper {

ConsoleLog::ConsoleLog(const std::string& folder, const ConsoleConfig& config)
    : path_(folder + "/console.log"), limit_(static_cast<std::size_t>(config.log_size)),
      keep_(config.log_keep) {
    open();
}

bool ConsoleLog::open() {
    file_ = posix::Fd{
        ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640)};
    struct stat status {};
    if (!file_ || ::fstat(file_.get(), &status) != 0) {
        file_.reset();
        return false;
    }
    size_ = static_cast<std::size_t>(status.st_size);
    return true;
}

void ConsoleLog::rotate() {
    const auto name = [&](std::int64_t number) { return path_ + "." + std::to_string(number); };
    MSHV_CRASHPOINT("keeper.log.before_rotate");
    if (keep_ == 0) {
        ::unlink(path_.c_str());
    }
    for (std::int64_t number = keep_; number > 0; --number) {
        const std::string from = number == 1 ? path_ : name(number - 1);
        ::rename(from.c_str(), name(number).c_str()); // one that is not there yet is no matter
    }
    MSHV_CRASHPOINT("keeper.log.after_rotate");
    file_.reset();
}

void ConsoleLog::append(std::string_view bytes) {
    if (limit_ == 0) {
        return; // no log is wanted
    }
    while (!bytes.empty()) {
        if (file_ && size_ >= limit_) {
            rotate();
        }
        ssize_t written = -1;
        if (file_ || open()) {
            // A file that could not be rotated away is full: the bound holds whatever happens.
            const std::size_t room = limit_ - std::min(size_, limit_);
            errno = EFBIG;
            do {
                written = room == 0
                              ? -1
                              : ::write(file_.get(), bytes.data(), std::min(bytes.size(), room));
            } while (written < 0 && errno == EINTR);
        }
        if (written <= 0) {
            trouble_ = path_ + ": " + std::generic_category().message(errno);
            lost_ += static_cast<std::int64_t>(bytes.size());
            losing_ += static_cast<std::int64_t>(bytes.size());
            return;
        }
        losing_ = 0;
        size_ += static_cast<std::size_t>(written);
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
}

} // namespace mshv::keeper
