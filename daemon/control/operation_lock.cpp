// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/operation_lock.hpp"

#include "daemon/domain/lifecycle.hpp"
#include "toolstack/libs/api/error.hpp"

namespace mshv::control {

OperationLocks::Guard OperationLocks::acquire(const api::Uuid& uuid, const std::string& name,
                                              api::OperationView operation,
                                              posix::Deadline deadline, std::string incarnation) {
    auto slot = std::make_shared<Slot>();
    slot->operation = std::move(operation);
    slot->incarnation = std::move(incarnation);
    posix::Lock lock(mutex_);
    for (;;) {
        const auto [entry, free] = slots_.try_emplace(uuid, slot);
        if (free) {
            return {*this, uuid, slot};
        }
        if (deadline.expired()) {
            const api::OperationView& held = entry->second->operation;
            throw api::Error(api::ErrorCode::busy,
                             "Partition '" + name + "' is busy: " + held.verb + " by " +
                                 held.actor + " since " + domain::format_time(held.since_ms),
                             "wait for it with --wait-busy, or destroy the partition");
        }
        changed_.wait_until(lock, deadline.point());
    }
}

std::optional<std::string> OperationLocks::cancel_start(const api::Uuid& uuid) {
    posix::Lock lock(mutex_);
    const auto entry = slots_.find(uuid);
    if (entry == slots_.end() || entry->second->incarnation.empty()) {
        return std::nullopt;
    }
    entry->second->cancelled = true;
    return entry->second->incarnation;
}

std::optional<api::OperationView> OperationLocks::holder(const api::Uuid& uuid) {
    posix::Lock lock(mutex_);
    const auto entry = slots_.find(uuid);
    return entry == slots_.end() ? std::nullopt : std::optional(entry->second->operation);
}

std::map<api::Uuid, api::OperationView> OperationLocks::holders() {
    posix::Lock lock(mutex_);
    std::map<api::Uuid, api::OperationView> all;
    for (const auto& [uuid, slot] : slots_) {
        all.emplace(uuid, slot->operation);
    }
    return all;
}

void OperationLocks::wait_idle() {
    posix::Lock lock(mutex_);
    while (!slots_.empty()) {
        changed_.wait(lock);
    }
}

void OperationLocks::release(const api::Uuid& uuid) {
    posix::Lock lock(mutex_);
    slots_.erase(uuid);
    changed_.notify_all();
}

} // namespace mshv::control
