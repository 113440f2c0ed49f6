// SPDX-License-Identifier: Apache-2.0
#include "tests/standin/timer/synthetic_timer.hpp"

namespace mshv::standin {

/// The first period begins now; a one-shot timer has its moment, be it past. Zero is no moment.
void SyntheticTimer::start(u64 now) {
    if (!can_tell()) {
        config_ &= ~stimer::enable;
    }
    deadline_ = never;
    if ((config_ & stimer::enable) == 0 || count_ == 0) {
        return;
    }
    deadline_ = count_;
    if ((config_ & stimer::periodic) != 0) {
        deadline_ = count_ < never - now ? now + count_ : never;
    }
}

bool SyntheticTimer::write_config(u64 value, u64 now) {
    if ((value & stimer::reserved) != 0) {
        return false;
    }
    config_ = value;
    start(now);
    return true;
}

void SyntheticTimer::write_count(u64 value, u64 now) {
    count_ = value;
    if (value == 0) {
        config_ &= ~stimer::enable;
    } else if ((config_ & stimer::auto_enable) != 0) {
        config_ |= stimer::enable;
    }
    start(now);
}

bool SyntheticTimer::expire(u64 now, u64& expiration) {
    if (deadline_ > now || deadline_ == never) {
        return false;
    }
    expiration = deadline_;
    if ((config_ & stimer::periodic) == 0) {
        config_ &= ~stimer::enable;
        deadline_ = never;
        return true;
    }
    deadline_ += ((now - deadline_) / count_ + 1) * count_;
    if (count_ < shortest_period && deadline_ < now + shortest_period) {
        deadline_ = now + shortest_period;
    }
    return true;
}

} // namespace mshv::standin
