// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/core.hpp"
#include "daemon/control/operations.hpp"
#include "daemon/domain/shutdown_ladder.hpp"

#include <map>
#include <thread>

namespace mshv::control {

/// Climbs shutdowns and reboots. What it climbs is in the database (the partition's intent), so the
/// next daemon goes on where this one was.
class LadderEngine {
public:
    LadderEngine(Core& core, Operations& operations) : core_(core), operations_(operations) {}

    void start();
    void stop() MSHV_EXCLUDES(mutex_);
    /// The partition has a new shutdown or reboot intent.
    void climb(const api::Uuid& uuid) MSHV_EXCLUDES(mutex_);

private:
    struct Climb {
        domain::LadderProgress progress;
        std::int64_t wake_at = 0;
        bool stepping = false; ///< a thread of the pool is at it
    };

    void run(const std::stop_token& stop) noexcept MSHV_EXCLUDES(mutex_);
    void step(const api::Uuid& uuid) noexcept MSHV_EXCLUDES(mutex_);
    bool step_once(const store::PartitionRow& row, domain::LadderProgress& progress,
                   std::int64_t& wake_at);
    bool send(const store::PartitionRow& row, api::ShutdownMethod method);
    void escalate(const store::PartitionRow& row);
    void give_up(const store::PartitionRow& row);

    Core& core_;
    Operations& operations_;
    posix::Mutex mutex_;
    posix::Condition changed_;
    std::map<api::Uuid, Climb> climbs_ MSHV_GUARDED_BY(mutex_);
    bool stopped_ MSHV_GUARDED_BY(mutex_) = false;
    std::jthread thread_;
};

} // namespace mshv::control
