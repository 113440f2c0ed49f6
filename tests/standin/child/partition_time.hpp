// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/standin/freestanding/types.hpp"

namespace mshv::standin {

/// A partition's reference time, which its parent can stop, and set while it stands. Pure; also
/// compiled for the host, where it is tested.
class PartitionTime {
public:
    constexpr explicit PartitionTime(u64 machine_time) : base_(machine_time) {}

    [[nodiscard]] u64 at(u64 machine_time) const {
        return frozen_ ? stood_at_ : machine_time - base_;
    }
    /// When, by the machine's time, it will be `time`.
    [[nodiscard]] u64 machine_time(u64 time) const { return time + base_; }
    /// What the machine's time is ahead of it.
    [[nodiscard]] u64 base() const { return base_; }
    [[nodiscard]] bool frozen() const { return frozen_; }

    void freeze(u64 machine_time) {
        stood_at_ = at(machine_time);
        frozen_ = true;
    }
    void go_on(u64 machine_time) {
        if (frozen_) {
            base_ = machine_time - stood_at_;
            frozen_ = false;
        }
    }
    /// False while it goes on.
    bool set(u64 time) {
        stood_at_ = frozen_ ? time : stood_at_;
        return frozen_;
    }

private:
    u64 base_;
    u64 stood_at_ = 0;
    bool frozen_ = false;
};

} // namespace mshv::standin
