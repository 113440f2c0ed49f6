// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/core.hpp"
#include "daemon/control/periodic.hpp"

#include <functional>
#include <optional>
#include <string>

namespace mshv::control {

/// CPU time and memory of a process by the text of its /proc/PID/stat; empty for another process
/// than `identity`, or text that is none.
std::optional<Sample> parse_stat(const std::string& stat, const posix::ProcessIdentity& identity);

/// How long the threads of a process, together, were ready and had no CPU; empty where the kernel does
/// not count it.
std::optional<std::int64_t> waiting_of(const std::string& proc, std::int64_t pid);

/// Looks at the VMMs' processes now and then, so that no query has to; and calls `chores` as often.
class Sampler {
public:
    Sampler(Core& core, std::function<void()> chores)
        : core_(core), chores_(std::move(chores)),
          thread_(core.clock, core.options.sample_interval, [this] {
              sample_all();
              chores_();
          }) {}

    void start() { thread_.start(); }
    void stop() { thread_.stop(); }

private:
    void sample_all() noexcept;

    Core& core_;
    const std::function<void()> chores_;
    Periodic thread_;
};

} // namespace mshv::control
