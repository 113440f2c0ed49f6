// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/posix/mutex.hpp"

#include <cstdint>

namespace mshv::control {

/// The time as the daemon sees it; a test gives its own. Thread-safe.
class Clock {
public:
    virtual ~Clock() = default;

    /// Unix milliseconds: for people's eyes, never for a decision, since it may jump.
    [[nodiscard]] virtual std::int64_t wall_ms() const = 0;
    /// Milliseconds since the machine booted, sleep included (CLOCK_BOOTTIME): comparable between
    /// two daemons of one boot, and never set. Durable deadlines are in it.
    [[nodiscard]] virtual std::int64_t boot_ms() const = 0;
    /// Waits on `condition` until about `until_boot_ms` at the latest. Callers loop.
    virtual void wait(posix::Lock& lock, posix::Condition& condition,
                      std::int64_t until_boot_ms) const = 0;

    static constexpr std::int64_t never = INT64_MAX;
};

/// The machine's own clocks.
Clock& system_clock();

} // namespace mshv::control
