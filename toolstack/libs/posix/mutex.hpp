// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

// std::mutex and its lock in a form that clang's -Wthread-safety understands: a member marked
// MSHV_GUARDED_BY(mutex_) can then only be touched with the lock held, checked at compile time.

#if defined(__clang__)
#define MSHV_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define MSHV_THREAD_ATTRIBUTE(x)
#endif

#define MSHV_CAPABILITY(name) MSHV_THREAD_ATTRIBUTE(capability(name))
#define MSHV_SCOPED_CAPABILITY MSHV_THREAD_ATTRIBUTE(scoped_lockable)
#define MSHV_GUARDED_BY(mutex) MSHV_THREAD_ATTRIBUTE(guarded_by(mutex))
#define MSHV_REQUIRES(mutex) MSHV_THREAD_ATTRIBUTE(requires_capability(mutex))
#define MSHV_EXCLUDES(mutex) MSHV_THREAD_ATTRIBUTE(locks_excluded(mutex))
#define MSHV_ACQUIRE(...) MSHV_THREAD_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define MSHV_RELEASE(...) MSHV_THREAD_ATTRIBUTE(release_capability(__VA_ARGS__))
#define MSHV_NO_THREAD_SAFETY_ANALYSIS MSHV_THREAD_ATTRIBUTE(no_thread_safety_analysis)

namespace mshv::posix {

class MSHV_CAPABILITY("mutex") Mutex {
public:
    Mutex() = default;
    Mutex(const Mutex&) = delete;
    Mutex& operator=(const Mutex&) = delete;
    ~Mutex() = default;

private:
    friend class Lock;
    std::mutex mutex_;
};

/// Holds a Mutex for a scope.
class MSHV_SCOPED_CAPABILITY Lock {
public:
    explicit Lock(Mutex& mutex) MSHV_ACQUIRE(mutex) : lock_(mutex.mutex_) {}
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
    ~Lock() MSHV_RELEASE() = default;

    /// For work in the middle of a scope that must not be done under the lock.
    void unlock() MSHV_RELEASE() { lock_.unlock(); }
    void lock() MSHV_ACQUIRE() { lock_.lock(); }

private:
    friend class Condition;
    std::unique_lock<std::mutex> lock_;
};

/// A condition variable for a Mutex. Callers loop: a wait may end early.
class Condition {
public:
    void wait(Lock& lock) { condition_.wait(lock.lock_); }
    void wait_until(Lock& lock, std::chrono::steady_clock::time_point point) {
        if (point == std::chrono::steady_clock::time_point::max()) {
            condition_.wait(lock.lock_);
        } else {
            condition_.wait_until(lock.lock_, point);
        }
    }
    void notify_one() noexcept { condition_.notify_one(); }
    void notify_all() noexcept { condition_.notify_all(); }

private:
    std::condition_variable condition_;
};

} // namespace mshv::posix
