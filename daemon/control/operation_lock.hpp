// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/identity.hpp"
#include "toolstack/libs/api/view.hpp"
#include "toolstack/libs/posix/deadline.hpp"
#include "toolstack/libs/posix/mutex.hpp"

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace mshv::control {

/// One operation a partition, told by UUID so that it can be taken before the partition exists.
class OperationLocks {
    struct Slot {
        api::OperationView operation;
        std::string incarnation; ///< of the run that it makes
        std::atomic<bool> cancelled = false;
    };

public:
    /// Holds a partition's lock for its own life.
    class Guard {
    public:
        Guard(OperationLocks& locks, const api::Uuid& uuid, std::shared_ptr<Slot> slot)
            : locks_(&locks), uuid_(uuid), slot_(std::move(slot)) {}
        Guard(Guard&& other) noexcept
            : locks_(other.locks_), uuid_(other.uuid_), slot_(std::move(other.slot_)) {}
        Guard(const Guard&) = delete;
        Guard& operator=(const Guard&) = delete;
        Guard& operator=(Guard&&) = delete;
        ~Guard() {
            if (slot_) {
                locks_->release(uuid_);
            }
        }
        /// Somebody wants the partition destroyed: give up at the next chance.
        [[nodiscard]] bool cancelled() const { return slot_->cancelled; }

    private:
        OperationLocks* locks_;
        api::Uuid uuid_;
        std::shared_ptr<Slot> slot_; // shared with whoever cancels
    };

    /// Waits for the lock until `deadline`, then throws Error{busy} that names the holder. `name`
    /// is the partition's, for the message; `incarnation` is what a start makes, else empty.
    Guard acquire(const api::Uuid& uuid, const std::string& name, api::OperationView operation,
                  posix::Deadline deadline, std::string incarnation = {}) MSHV_EXCLUDES(mutex_);

    /// Asks a start that holds the lock to give up; the incarnation that it makes, if it is one.
    std::optional<std::string> cancel_start(const api::Uuid& uuid) MSHV_EXCLUDES(mutex_);

    [[nodiscard]] std::optional<api::OperationView> holder(const api::Uuid& uuid)
        MSHV_EXCLUDES(mutex_);
    [[nodiscard]] std::map<api::Uuid, api::OperationView> holders() MSHV_EXCLUDES(mutex_);

    /// Waits until no operation is under way.
    void wait_idle() MSHV_EXCLUDES(mutex_);

private:
    void release(const api::Uuid& uuid) MSHV_EXCLUDES(mutex_);

    posix::Mutex mutex_;
    posix::Condition changed_;
    std::map<api::Uuid, std::shared_ptr<Slot>> slots_ MSHV_GUARDED_BY(mutex_);
};

} // namespace mshv::control
