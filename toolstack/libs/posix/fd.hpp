// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/posix/deadline.hpp"

#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace mshv::posix {

/// A wait ran past its Deadline. `what()` says what was waited for.
class TimedOut : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Throws std::system_error for the current errno; `what` names the call and its object.
[[noreturn]] void throw_errno(std::string_view what);

/// Returns `result`, or throws std::system_error when it is negative.
template <typename T>
T check(T result, std::string_view what) {
    if (result < 0) {
        throw_errno(what);
    }
    return result;
}

/// Owns one file descriptor. Not thread-safe; move it to hand it over.
class Fd {
public:
    Fd() = default;
    explicit Fd(int number) : number_(number) {}
    Fd(Fd&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        if (this != &other) {
            reset();
            number_ = std::exchange(other.number_, -1);
        }
        return *this;
    }
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    ~Fd() { reset(); }

    [[nodiscard]] int get() const { return number_; }
    [[nodiscard]] explicit operator bool() const { return number_ >= 0; }
    [[nodiscard]] int release() { return std::exchange(number_, -1); }
    void reset();
    /// A close-on-exec duplicate.
    [[nodiscard]] Fd duplicate() const;

private:
    int number_ = -1;
};

/// Waits until `fd` has one of the poll(2) `events`; returns what poll reported.
/// Throws TimedOut at the deadline.
short wait_for(int fd, short events, Deadline deadline, std::string_view what);

/// Writes all of `data`, waiting for room until `deadline`. Works on blocking and non-blocking
/// descriptors; never raises SIGPIPE on sockets.
void write_all(int fd, std::string_view data, Deadline deadline, std::string_view what);

/// Reads at most `buffer.size()` bytes, waiting until `deadline` for the first; 0 means end.
std::size_t read_some(int fd, std::span<char> buffer, Deadline deadline, std::string_view what);

void set_nonblocking(int fd, bool on);

/// An eventfd for waking a thread out of poll.
class Wakeup {
public:
    Wakeup();
    [[nodiscard]] int fd() const { return fd_.get(); }
    void signal() const noexcept;
    void drain() const noexcept;

private:
    Fd fd_;
};

} // namespace mshv::posix
