// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/store/store.hpp"
#include "toolstack/libs/posix/deadline.hpp"
#include "toolstack/libs/posix/mutex.hpp"

#include <cstdint>
#include <optional>

namespace mshv::control {

/// Long polls on the durable numbers of events.
class EventHub {
public:
    explicit EventHub(store::Store& store) : store_(store) {}

    /// Told by the store's observer.
    void announce(std::int64_t last_seq) MSHV_EXCLUDES(mutex_);
    [[nodiscard]] std::int64_t last_seq() const MSHV_EXCLUDES(mutex_);
    /// The events after `since`; waits for the first until `wait`. An empty page at the deadline.
    api::EventPage poll(std::int64_t since, std::size_t limit,
                        const std::optional<api::Uuid>& partition, posix::Deadline wait)
        MSHV_EXCLUDES(mutex_);
    /// Wakes every poll.
    void stop() MSHV_EXCLUDES(mutex_);

private:
    store::Store& store_;
    mutable posix::Mutex mutex_;
    posix::Condition changed_;
    std::int64_t last_seq_ MSHV_GUARDED_BY(mutex_) = 0;
    bool stopped_ MSHV_GUARDED_BY(mutex_) = false;
};

} // namespace mshv::control
