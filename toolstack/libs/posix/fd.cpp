// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/posix/fd.hpp"

#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace mshv::posix {

void throw_errno(std::string_view what) {
    throw std::system_error(errno, std::generic_category(), std::string(what));
}

void Fd::reset() {
    if (number_ >= 0) {
        // Linux frees the number even when close reports EINTR: never retry.
        ::close(std::exchange(number_, -1));
    }
}

Fd Fd::duplicate() const { return Fd{check(::fcntl(number_, F_DUPFD_CLOEXEC, 0), "duplicate fd")}; }

short wait_for(int fd, short events, Deadline deadline, std::string_view what) {
    for (;;) {
        pollfd entry{fd, events, 0};
        const int ready = ::poll(&entry, 1, deadline.poll_timeout());
        if (ready > 0) {
            return entry.revents;
        }
        if (ready == 0 && deadline.expired()) {
            throw TimedOut("timed out: " + std::string(what));
        }
        if (ready < 0 && errno != EINTR) {
            throw_errno(what);
        }
    }
}

void write_all(int fd, std::string_view data, Deadline deadline, std::string_view what) {
    while (!data.empty()) {
        ssize_t written = ::send(fd, data.data(), data.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (written < 0 && errno == ENOTSOCK) {
            written = ::write(fd, data.data(), data.size());
        }
        if (written >= 0) {
            data.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno == EAGAIN) {
            wait_for(fd, POLLOUT, deadline, what);
        } else if (errno != EINTR) {
            throw_errno(what);
        }
    }
}

std::size_t read_some(int fd, std::span<char> buffer, Deadline deadline, std::string_view what) {
    for (;;) {
        wait_for(fd, POLLIN, deadline, what);
        const ssize_t got = ::read(fd, buffer.data(), buffer.size());
        if (got >= 0) {
            return static_cast<std::size_t>(got);
        }
        if (errno != EINTR && errno != EAGAIN) {
            throw_errno(what);
        }
    }
}

void set_nonblocking(int fd, bool on) {
    const int flags = check(::fcntl(fd, F_GETFL), "read descriptor flags");
    check(::fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK),
          "set descriptor flags");
}

Wakeup::Wakeup() : fd_(check(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "create eventfd")) {}

void Wakeup::signal() const noexcept {
    const std::uint64_t one = 1;
    // EAGAIN means that the counter is full, so that the reader is woken anyway.
    [[maybe_unused]] const auto written = ::write(fd_.get(), &one, sizeof one);
}

void Wakeup::drain() const noexcept {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = ::read(fd_.get(), &count, sizeof count);
}

} // namespace mshv::posix
