// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/core.hpp"
#include "daemon/control/periodic.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace mshv::control {

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
    /// The taps of a VMM, as it had them when they were last looked for.
    struct Taps {
        std::int64_t vmm = 0; ///< whose they are
        unsigned samples = 0; ///< taken with them so far
        std::vector<std::string> names;
    };

    void sample_all() noexcept;
    Sample sample_of(const Live& live, const posix::ProcessIdentity& vmm, Sample sample);

    Core& core_;
    std::map<std::string, Taps> taps_; ///< by incarnation; only the thread's
    const std::function<void()> chores_;
    Periodic thread_;
};

} // namespace mshv::control
