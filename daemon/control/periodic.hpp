// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/clock.hpp"
#include "toolstack/libs/posix/mutex.hpp"

#include <chrono>
#include <functional>
#include <thread>

namespace mshv::control {

/// Does something at once and then again and again, with a pause between, on a thread of its own.
class Periodic {
public:
    /// `work` does not throw; `clock` outlives this.
    Periodic(Clock& clock, std::chrono::milliseconds pause, std::function<void()> work)
        : clock_(clock), pause_(pause), work_(std::move(work)) {}

    void start();
    /// Waits for the work that is being done.
    void stop() MSHV_EXCLUDES(mutex_);

private:
    void run() noexcept MSHV_EXCLUDES(mutex_);

    Clock& clock_;
    const std::chrono::milliseconds pause_;
    const std::function<void()> work_;
    posix::Mutex mutex_;
    posix::Condition condition_;
    bool stopped_ MSHV_GUARDED_BY(mutex_) = false;
    std::jthread thread_;
};

} // namespace mshv::control
