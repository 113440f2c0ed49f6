// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/periodic.hpp"

namespace mshv::control {

void Periodic::start() {
    thread_ = std::jthread([this] { run(); });
}

void Periodic::stop() {
    {
        posix::Lock lock(mutex_);
        stopped_ = true;
        condition_.notify_all();
    }
    if (thread_.joinable()) {
        thread_.join();
    }
}

void Periodic::run() noexcept {
    for (;;) {
        work_();
        const std::int64_t next = clock_.boot_ms() + pause_.count();
        posix::Lock lock(mutex_);
        while (!stopped_ && clock_.boot_ms() < next) {
            clock_.wait(lock, condition_, next);
        }
        if (stopped_) {
            return;
        }
    }
}

} // namespace mshv::control
