// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/child/partition_time.hpp"
#include "tests/standin/lp/lp.hpp"
#include "tests/standin/timer/synthetic_timer.hpp"

namespace mshv::standin {

struct ChildVp;

/// The synthetic timers of a child's VP, by its partition's time, and what wakes the VP when one of
/// them or its APIC's is due. Whoever holds the VP's lock uses it.
class ChildTimers {
public:
    static constexpr u32 count = 4;

    /// `number`: from HV_X64_MSR_STIMER0_CONFIG on.
    [[nodiscard]] u64 read(u32 number) const;
    bool write(u32 number, u64 value, u64 now);
    void reset();

    /// What is due: `vp` gets its interrupts and messages.
    void expire(ChildVp& vp);
    /// Sees to it that this processor wakes `vp` for the next.
    void arm(Lp& lp, ChildVp& vp);
    /// Nobody wakes it any more.
    void disarm();

    SyntheticTimer& timer(u32 index) { return timers_[index]; }

private:
    struct Wake : Timer {
        ChildVp* vp = nullptr;
    };

    static u64 on_wake(Timer& timer, u64 now);
    void tell(ChildVp& vp, u32 index);
    [[nodiscard]] u64 first(const ChildVp& vp) const;

    SyntheticTimer timers_[count];
    u64 expiration_[count] = {};
    bool refused_[count] = {}; ///< messages that found no room
    Wake wake_;
    Lp* armed_on_ = nullptr;
};

} // namespace mshv::standin
