// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/lp/lp.hpp"
#include "tests/standin/timer/synthetic_timer.hpp"

namespace mshv::standin {

/// The payload of HVMSG_TIMER_EXPIRED, 0x80000010. Source: TLFS, "Timer Message".
struct TimerExpired {
    u32 timer;
    u32 reserved;
    u64 expiration_time;
    u64 delivery_time;
};

/// How the VPs of a partition are told; called on the processor that runs the VP.
struct TimerOutput {
    void (*interrupt)(u32 vp, u32 vector) = nullptr;
    /// False: it cannot be queued now, retry_messages() is to try again. Null: nobody can post
    /// messages, and a timer that would need it stays disabled, as one with SINT 0 does.
    bool (*message)(u32 vp, u32 sint, const TimerExpired& payload) = nullptr;
};

/// The synthetic timers of a VP, which has them from its processor's queue.
class VpTimers {
public:
    static constexpr u32 count = 4;

    /// Before the VP runs.
    void connect(u32 vp, const TimerOutput& output);

    /// `number`: of the MSR, from HV_X64_MSR_STIMER0_CONFIG on.
    [[nodiscard]] u64 read(u32 number) const;
    /// False: the register does not take this value.
    bool write(Lp& lp, u32 number, u64 value);

    /// As they are when a VP starts.
    void reset(Lp& lp);

    /// To be called when a SINT may take messages again: those that it refused are put to it once
    /// more.
    void retry_messages();

private:
    struct Entry : Timer {
        SyntheticTimer state;
        VpTimers* owner = nullptr;
        u32 index = 0;
        bool refused = false; ///< a message of it
        u64 expiration = 0;   ///< what that says
    };

    static u64 on_expiry(Timer& timer, u64 now);
    void post(Entry& entry);

    Entry entries_[count];
    u32 vp_ = 0;
    TimerOutput output_;
};

} // namespace mshv::standin
