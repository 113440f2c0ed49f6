// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/store/rows.hpp"
#include "daemon/vmm/vmm.hpp"
#include "toolstack/libs/posix/mutex.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mshv::control {

/// What the VMM's process used, and when that was looked at.
struct Sample {
    std::int64_t cpu_time_ms = 0;
    std::optional<std::int64_t> waiting_ms;
    std::int64_t rss = 0;
    std::optional<std::int64_t> storage_read, storage_written; ///< bytes
    std::optional<std::int64_t> network_received, network_sent; ///< bytes, by the guest
    std::int64_t at_boot_ms = 0;
};

/// One run of a partition as this daemon holds it. Shared by the table, the operation that made or
/// uses it and the supervisor; each may outlast the others for a moment.
struct Live {
    Live(const api::Uuid& u, store::PartitionNumber i, std::string inc)
        : uuid(u), id(i), incarnation(std::move(inc)) {}

    const api::Uuid uuid;
    const store::PartitionNumber id;
    const std::string incarnation;

    posix::Mutex mutex;
    /// Empty until it is launched or adopted.
    std::shared_ptr<vmm::VmmProcess> process MSHV_GUARDED_BY(mutex);
    /// Events that are not yet in the database, oldest first.
    std::deque<vmm::KeeperEvent> inbox MSHV_GUARDED_BY(mutex);
    /// The run is in the database: before that, events wait.
    bool recorded MSHV_GUARDED_BY(mutex) = false;
    /// A thread asks its keeper of an earlier daemon.
    bool adopting MSHV_GUARDED_BY(mutex) = false;
    /// A thread is at the inbox: there is never a second one.
    bool draining MSHV_GUARDED_BY(mutex) = false;
    /// Bytes that its balloon leaves the guest, where that was said.
    std::optional<std::int64_t> memory MSHV_GUARDED_BY(mutex);
    /// How many virtual processors it shall have, where that is not what its definition says.
    std::optional<std::int64_t> vcpus MSHV_GUARDED_BY(mutex);
    std::optional<Sample> sample MSHV_GUARDED_BY(mutex);
    /// Who last asked its VPs to run or to stand still; empty = nobody since this daemon began.
    std::string asked_by MSHV_GUARDED_BY(mutex);

    std::shared_ptr<vmm::VmmProcess> get_process() {
        posix::Lock lock(mutex);
        return process;
    }
};

using LivePtr = std::shared_ptr<Live>;

/// All runs. At most one a partition.
class LiveTable {
public:
    /// Replaces what stands there for the partition.
    LivePtr add(const api::Uuid& uuid, store::PartitionNumber id, std::string incarnation) {
        auto live = std::make_shared<Live>(uuid, id, std::move(incarnation));
        posix::Lock lock(mutex_);
        runs_[uuid] = live;
        return live;
    }
    [[nodiscard]] LivePtr find(const api::Uuid& uuid) const {
        posix::Lock lock(mutex_);
        const auto run = runs_.find(uuid);
        return run == runs_.end() ? nullptr : run->second;
    }
    void remove(const LivePtr& live) {
        posix::Lock lock(mutex_);
        const auto run = runs_.find(live->uuid);
        if (run != runs_.end() && run->second == live) {
            runs_.erase(run);
        }
    }
    [[nodiscard]] std::vector<LivePtr> all() const {
        posix::Lock lock(mutex_);
        std::vector<LivePtr> runs;
        runs.reserve(runs_.size());
        for (const auto& [uuid, run] : runs_) {
            runs.push_back(run);
        }
        return runs;
    }
    void clear() {
        std::map<api::Uuid, LivePtr> gone;
        posix::Lock lock(mutex_);
        gone.swap(runs_);
    }

private:
    mutable posix::Mutex mutex_;
    std::map<api::Uuid, LivePtr> runs_ MSHV_GUARDED_BY(mutex_);
};

} // namespace mshv::control
