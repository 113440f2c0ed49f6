// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/posix/mutex.hpp"

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

namespace mshv::control {

/// Threads for what talks to VMMs and may therefore take its time. They are made on demand up to a
/// limit and kept. Tasks must not throw.
class WorkPool {
public:
    explicit WorkPool(std::size_t max_threads) : max_threads_(max_threads) {}
    WorkPool(const WorkPool&) = delete;
    WorkPool& operator=(const WorkPool&) = delete;
    ~WorkPool() { stop(); }

    /// Dropped after stop().
    void post(std::function<void()> task) MSHV_EXCLUDES(mutex_);
    /// Drops what has not begun and waits for what has.
    void stop() MSHV_EXCLUDES(mutex_);

private:
    void run() noexcept MSHV_EXCLUDES(mutex_);

    const std::size_t max_threads_;
    posix::Mutex mutex_;
    posix::Condition ready_;
    std::deque<std::function<void()>> tasks_ MSHV_GUARDED_BY(mutex_);
    std::size_t idle_ MSHV_GUARDED_BY(mutex_) = 0;
    bool stopped_ MSHV_GUARDED_BY(mutex_) = false;
    std::vector<std::jthread> threads_ MSHV_GUARDED_BY(mutex_);
};

} // namespace mshv::control
