// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/restarter.hpp"

#include "toolstack/libs/posix/crashpoint.hpp"

#include <algorithm>
#include <vector>

namespace mshv::control {
namespace {

constexpr std::chrono::milliseconds start_timeout{120'000};
/// How soon it is tried again while somebody else works on the partition.
constexpr std::int64_t busy_ms = 1000;

/// Errors that say nothing about the partition.
bool is_passing(const api::Error& error) {
    return error.code() == api::ErrorCode::busy || error.code() == api::ErrorCode::no_resource;
}

} // namespace

void Restarter::start() {
    for (const auto& entry : core_.directory.all()) {
        note(entry->row);
    }
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Restarter::stop() {
    if (thread_.joinable()) {
        thread_.request_stop();
        {
            posix::Lock lock(mutex_);
            changed_.notify_all();
        }
        thread_.join();
    }
}

void Restarter::note(const store::PartitionRow& row) {
    const bool waits = awaits_restart(row);
    posix::Lock lock(mutex_);
    if (waits) {
        due_[row.uuid] = row.intent->deadline_boot;
        changed_.notify_all();
    } else {
        due_.erase(row.uuid);
    }
}

void Restarter::run(const std::stop_token& stop) noexcept {
    posix::Lock lock(mutex_);
    while (!stop.stop_requested()) {
        const std::int64_t now = core_.clock.boot_ms();
        std::int64_t next = Clock::never;
        for (auto wait = due_.begin(); wait != due_.end();) {
            if (wait->second > now) {
                next = std::min(next, wait->second);
                ++wait;
                continue;
            }
            core_.pool.post([this, uuid = wait->first] { step(uuid); });
            wait = due_.erase(wait);
        }
        core_.clock.wait(lock, changed_, next);
    }
}

void Restarter::step(const api::Uuid& uuid) noexcept {
    const auto entry = core_.directory.find(uuid);
    if (!entry || !awaits_restart(entry->row)) {
        return; // somebody started or destroyed it
    }
    try {
        MSHV_CRASHPOINT("control.before_restart");
        operations_.start(
            entry, {false, Deadline::after(start_timeout), Deadline::after({}), std::nullopt, true},
            restart_actor);
    } catch (const api::Error& error) {
        failed(uuid, error.message(), is_passing(error));
    } catch (const std::exception& error) {
        failed(uuid, error.what(), false);
    }
}

/// A start that failed after it had begun has already written what follows. One that could not even
/// begin, because of its definition or the host, is over.
void Restarter::failed(const api::Uuid& uuid, const std::string& why, bool passing) {
    core_.log(Severity::warning, "the restart of " + api::to_string(uuid) + ": " + why);
    try {
        const auto entry = core_.directory.find(uuid);
        if (!entry || !awaits_restart(entry->row)) {
            return;
        }
        {
            posix::Lock lock(mutex_);
            if (due_.contains(uuid)) {
                return;
            }
            if (passing) {
                due_[uuid] = core_.clock.boot_ms() + busy_ms;
                changed_.notify_all();
                return;
            }
        }
        operations_.cancel_restart(entry->row, domain::Change::fail, api::Reason::start_failed,
                                   restart_actor, why);
    } catch (const std::exception& error) {
        core_.log(Severity::error,
                  "the restart of " + api::to_string(uuid) + " is not recorded: " + error.what());
    }
}

} // namespace mshv::control
