// SPDX-License-Identifier: Apache-2.0
#include "daemon/keeper/loop.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <string>
#include <sys/epoll.h>
#include <unistd.h>
#include <utility>

namespace mshv::keeper {

using posix::Deadline;

namespace {

/// A supervisor does not die of one failed callback: the guest is worth more than any answer.
template <typename Work>
void guarded(Work work) {
    try {
        work();
    } catch (const std::exception& error) {
        const std::string text = "mshv-keeper: " + std::string(error.what()) + "\n";
        [[maybe_unused]] const auto written = ::write(2, text.data(), text.size());
    }
}

} // namespace

Loop::Loop() : epoll_(posix::check(::epoll_create1(EPOLL_CLOEXEC), "create epoll")) {}

Deadline Loop::next_timer() const {
    Deadline next = Deadline::never();
    for (const Timer* timer : timers_) {
        if (timer->deadline_.point() < next.point()) {
            next = timer->deadline_;
        }
    }
    return next;
}

void Loop::run_timers() {
    // One at a time and from the start again: a callback may make or destroy timers.
    for (;;) {
        const auto due = std::find_if(timers_.begin(), timers_.end(), [](const Timer* timer) {
            return timer->deadline_.expired();
        });
        if (due == timers_.end()) {
            return;
        }
        (*due)->cancel();
        // A copy, because the callback may destroy its timer.
        const auto callback = (*due)->callback_;
        guarded([&] { callback(); });
    }
}

void Loop::run() {
    std::array<epoll_event, 32> events{};
    while (!stopped_) {
        const int count =
            ::epoll_wait(epoll_.get(), events.data(), events.size(), next_timer().poll_timeout());
        if (count < 0 && errno != EINTR) {
            posix::throw_errno("epoll_wait");
        }
        for (int i = 0; i < count; ++i) {
            const auto& event = events.at(static_cast<std::size_t>(i));
            const auto found = entries_.find(event.data.u64);
            if (found != entries_.end()) {
                const auto entry = found->second; // kept while it runs
                guarded([&] { entry->callback(event.events); });
            }
        }
        run_timers();
    }
}

Watch::Watch(Loop& loop, int fd, std::uint32_t events, Loop::Callback callback)
    : loop_(&loop), number_(loop.next_number_++), events_(events) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = number_;
    posix::check(::epoll_ctl(loop.epoll_.get(), EPOLL_CTL_ADD, fd, &event), "watch descriptor");
    loop.entries_.emplace(number_,
                          std::make_shared<Loop::Entry>(Loop::Entry{fd, std::move(callback)}));
}

Watch::Watch(Watch&& other) noexcept
    : loop_(std::exchange(other.loop_, nullptr)), number_(other.number_), events_(other.events_) {}

Watch& Watch::operator=(Watch&& other) noexcept {
    if (this != &other) {
        reset();
        loop_ = std::exchange(other.loop_, nullptr);
        number_ = other.number_;
        events_ = other.events_;
    }
    return *this;
}

void Watch::change(std::uint32_t events) {
    if (loop_ == nullptr || events == events_) {
        return;
    }
    epoll_event event{};
    event.events = events;
    event.data.u64 = number_;
    posix::check(
        ::epoll_ctl(loop_->epoll_.get(), EPOLL_CTL_MOD, loop_->entries_.at(number_)->fd, &event),
        "change watch");
    events_ = events;
}

void Watch::reset() {
    if (loop_ == nullptr) {
        return;
    }
    const auto found = loop_->entries_.find(number_);
    ::epoll_ctl(loop_->epoll_.get(), EPOLL_CTL_DEL, found->second->fd, nullptr);
    loop_->entries_.erase(found);
    loop_ = nullptr;
}

Timer::Timer(Loop& loop, std::function<void()> callback)
    : loop_(loop), callback_(std::move(callback)) {
    loop_.timers_.push_back(this);
}

Timer::~Timer() {
    std::erase(loop_.timers_, this);
}

} // namespace mshv::keeper
