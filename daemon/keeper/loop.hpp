// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/posix/deadline.hpp"
#include "toolstack/libs/posix/fd.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

namespace mshv::keeper {

class Timer;

/// The keeper's one thread: level-triggered epoll and timers. Callbacks may add, change and remove
/// any watch, their own included: events are delivered by number, never by pointer.
class Loop {
public:
    using Callback = std::function<void(std::uint32_t events)>;

    Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;
    ~Loop() = default;

    /// Until stop().
    void run();
    void stop() { stopped_ = true; }

private:
    friend class Watch;
    friend class Timer;
    struct Entry {
        int fd;
        Callback callback;
    };
    void run_timers();
    [[nodiscard]] posix::Deadline next_timer() const;

    posix::Fd epoll_;
    std::uint64_t next_number_ = 1;
    std::map<std::uint64_t, std::shared_ptr<Entry>>
        entries_; // shared: a callback may remove itself
    std::vector<Timer*> timers_;
    bool stopped_ = false;
};

/// Interest in one descriptor, which must outlive it.
class Watch {
public:
    Watch() = default;
    Watch(Loop& loop, int fd, std::uint32_t events, Loop::Callback callback);
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    Watch(Watch&& other) noexcept;
    Watch& operator=(Watch&& other) noexcept;
    ~Watch() { reset(); }

    void change(std::uint32_t events);
    void reset();
    [[nodiscard]] explicit operator bool() const { return loop_ != nullptr; }

private:
    Loop* loop_ = nullptr;
    std::uint64_t number_ = 0;
    std::uint32_t events_ = 0;
};

/// Calls back once after its deadline.
class Timer {
public:
    Timer(Loop& loop, std::function<void()> callback);
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    ~Timer();

    void arm(posix::Deadline deadline) { deadline_ = deadline; }
    void cancel() { deadline_ = posix::Deadline::never(); }
    [[nodiscard]] bool armed() const { return !deadline_.is_never(); }

private:
    friend class Loop;
    Loop& loop_;
    std::function<void()> callback_;
    posix::Deadline deadline_ = posix::Deadline::never();
};

} // namespace mshv::keeper
