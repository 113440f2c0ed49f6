// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/work_pool.hpp"

#include <utility>

namespace mshv::control {

void WorkPool::post(std::function<void()> task) {
    posix::Lock lock(mutex_);
    if (stopped_) {
        return;
    }
    tasks_.push_back(std::move(task));
    if (tasks_.size() > idle_ && threads_.size() < max_threads_) {
        threads_.emplace_back([this] { run(); });
    }
    ready_.notify_one();
}

void WorkPool::stop() {
    std::vector<std::jthread> threads;
    {
        posix::Lock lock(mutex_);
        stopped_ = true;
        tasks_.clear();
        threads = std::move(threads_);
        threads_.clear();
        ready_.notify_all();
    }
    threads.clear(); // joins
}

void WorkPool::run() noexcept {
    posix::Lock lock(mutex_);
    for (;;) {
        while (tasks_.empty() && !stopped_) {
            ++idle_;
            ready_.wait(lock);
            --idle_;
        }
        if (stopped_) {
            return;
        }
        const std::function<void()> task = std::move(tasks_.front());
        tasks_.pop_front();
        lock.unlock();
        task();
        lock.lock();
    }
}

} // namespace mshv::control
