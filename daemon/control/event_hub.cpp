// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/event_hub.hpp"

#include <algorithm>

namespace mshv::control {

void EventHub::announce(std::int64_t last_seq) {
    posix::Lock lock(mutex_);
    last_seq_ = std::max(last_seq_, last_seq);
    changed_.notify_all();
}

std::int64_t EventHub::last_seq() const {
    posix::Lock lock(mutex_);
    return last_seq_;
}

api::EventPage EventHub::poll(std::int64_t since, std::size_t limit,
                              const std::optional<api::Uuid>& partition, posix::Deadline wait) {
    for (std::int64_t seen = since;;) {
        {
            posix::Lock lock(mutex_);
            while (last_seq_ <= seen && !stopped_ && !wait.expired()) {
                changed_.wait_until(lock, wait.point());
            }
            if (stopped_) {
                wait = posix::Deadline::at(posix::Deadline::Clock::now());
            }
        }
        api::EventPage page = store_.events(since, limit, partition);
        if (!page.events.empty() || wait.expired()) {
            return page;
        }
        seen = std::max(seen, page.last_seq); // others' events came: wait for one of this partition
    }
}

void EventHub::stop() {
    posix::Lock lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
}

} // namespace mshv::control
