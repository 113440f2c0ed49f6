// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/timer/timer_queue.hpp"

namespace mshv::standin {

/// HV_X64_MSR_STIMER_CONFIG. Source: TLFS, "Synthetic Timer Configuration Register".
namespace stimer {
constexpr u64 enable = 1ULL << 0;
constexpr u64 periodic = 1ULL << 1;
constexpr u64 lazy = 1ULL << 2;
constexpr u64 auto_enable = 1ULL << 3;
constexpr unsigned vector_shift = 4; ///< eight bits
constexpr u64 direct = 1ULL << 12;
constexpr unsigned sint_shift = 16; ///< four bits
constexpr u64 reserved = ~0xF1FFFULL;
} // namespace stimer

/// One of a VP's synthetic timers. It says when it is due and how it is to be told; others tell it.
/// Source: TLFS, "Synthetic Timers".
class SyntheticTimer {
public:
    constexpr SyntheticTimer() = default;
    /// `messages`: somebody can post them. Otherwise only direct mode can be enabled.
    constexpr explicit SyntheticTimer(bool messages) : messages_(messages) {}

    [[nodiscard]] u64 config() const { return config_; }
    [[nodiscard]] u64 count() const { return count_; }
    [[nodiscard]] bool direct() const { return (config_ & stimer::direct) != 0; }
    [[nodiscard]] u32 vector() const {
        return static_cast<u32>(config_ >> stimer::vector_shift & 0xFF);
    }
    [[nodiscard]] u32 sint() const { return static_cast<u32>(config_ >> stimer::sint_shift & 0xF); }

    /// False: a reserved bit is set; nothing changes.
    bool write_config(u64 value, u64 now);
    void write_count(u64 value, u64 now);

    /// When it expires next.
    [[nodiscard]] u64 deadline() const { return deadline_; }
    /// True when it has, with the time for which that had been set. A one-shot timer is disabled
    /// then. What a periodic one has missed is left out.
    bool expire(u64 now, u64& expiration);

private:
    [[nodiscard]] bool can_tell() const { return direct() || (messages_ && sint() != 0); }
    void start(u64 now);

    bool messages_ = true;
    u64 config_ = 0;
    u64 count_ = 0;
    u64 deadline_ = never;
};

} // namespace mshv::standin
