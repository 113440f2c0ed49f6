// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/core.hpp"

#include <functional>
#include <optional>
#include <string>
#include <thread>

namespace mshv::control {

/// CPU time and memory of a process by the text of its /proc/PID/stat; empty for another process
/// than `identity`, or text that is none.
std::optional<Sample> parse_stat(const std::string& stat, const posix::ProcessIdentity& identity);

/// Looks at the VMMs' processes now and then, so that no query has to; and calls `chores` as often.
class Sampler {
public:
    Sampler(Core& core, std::function<void()> chores) : core_(core), chores_(std::move(chores)) {}

    void start();
    void stop() MSHV_EXCLUDES(mutex_);

private:
    void run() noexcept MSHV_EXCLUDES(mutex_);
    void sample_all() noexcept;

    Core& core_;
    const std::function<void()> chores_;
    posix::Mutex mutex_;
    posix::Condition condition_;
    bool stopped_ MSHV_GUARDED_BY(mutex_) = false;
    std::jthread thread_;
};

} // namespace mshv::control
