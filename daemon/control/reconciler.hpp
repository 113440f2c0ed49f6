// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/core.hpp"
#include "daemon/control/ladder_engine.hpp"
#include "daemon/control/operations.hpp"
#include "daemon/control/supervisor.hpp"

#include <cstddef>

namespace mshv::control {

/// Makes the database and the machine agree when a daemon starts: what runs is adopted, what was
/// half done is finished or undone, what belongs to nothing is cleaned away. Each repair is an
/// event.
class Reconciler {
public:
    Reconciler(Core& core, Operations& operations, Supervisor& supervisor, LadderEngine& ladders)
        : core_(core), operations_(operations), supervisor_(supervisor), ladders_(ladders) {}

    /// Returns when all is done or the options' adopt_wait is over; the rest goes on in the pool.
    void run() MSHV_EXCLUDES(mutex_);
    /// Tries again what could not be done: starts that are not undone, keepers that did not answer.
    void chores() noexcept;

private:
    void bury_the_dead();
    void adopt(const store::PartitionRow& row) noexcept;
    void adopt_run(const store::PartitionRow& row, const LivePtr& live);
    void tell_end_policy(const store::PartitionRow& row) noexcept;
    void settle(const store::PartitionRow& row);
    void follow_sleep(const store::PartitionRow& row, const vmm::KeeperStatus& status);
    void follow_status(const store::PartitionRow& row, const vmm::KeeperStatus& status);
    void undo(const store::PartitionRow& row) noexcept;
    void clean_strays();
    void begin(std::function<void()> task) MSHV_EXCLUDES(mutex_);

    Core& core_;
    Operations& operations_;
    Supervisor& supervisor_;
    LadderEngine& ladders_;
    posix::Mutex mutex_;
    posix::Condition done_;
    std::size_t open_ MSHV_GUARDED_BY(mutex_) = 0;
};

} // namespace mshv::control
