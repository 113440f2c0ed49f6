// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/core.hpp"
#include "daemon/control/operations.hpp"
#include "daemon/control/restart_policy.hpp"

#include <cstdint>
#include <map>
#include <thread>

namespace mshv::control {

/// Starts again what ended because its keeper died, when that is due. What waits is in the database
/// (the partition's intent), so the next daemon goes on where this one was.
class Restarter {
public:
    Restarter(Core& core, Operations& operations) : core_(core), operations_(operations) {}

    void start();
    void stop() MSHV_EXCLUDES(mutex_);
    /// A row has changed: on the committer's thread.
    void note(const store::PartitionRow& row) MSHV_EXCLUDES(mutex_);

private:
    void run(const std::stop_token& stop) noexcept MSHV_EXCLUDES(mutex_);
    void step(const api::Uuid& uuid) noexcept MSHV_EXCLUDES(mutex_);
    void failed(const api::Uuid& uuid, const std::string& why, bool passing) MSHV_EXCLUDES(mutex_);

    Core& core_;
    Operations& operations_;
    posix::Mutex mutex_;
    posix::Condition changed_;
    std::map<api::Uuid, std::int64_t> due_ MSHV_GUARDED_BY(mutex_); ///< boot clock
    std::jthread thread_;
};

} // namespace mshv::control
