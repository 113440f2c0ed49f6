// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/ladder_engine.hpp"

#include "toolstack/libs/posix/crashpoint.hpp"

#include <algorithm>

namespace mshv::control {
namespace {

using store::IntentKind;
using Expected = vmm::VmmProcess::Expected;

bool is_ladder(const store::PartitionRow& row) {
    return row.runtime && row.intent &&
           (row.intent->kind == IntentKind::shutdown || row.intent->kind == IntentKind::reboot);
}

domain::ShutdownLadder ladder_of(const store::Intent& intent) {
    return {intent.methods, intent.started_boot, intent.deadline_boot, intent.resend_s,
            intent.escalate};
}

} // namespace

void LadderEngine::start() {
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void LadderEngine::stop() {
    {
        posix::Lock lock(mutex_);
        stopped_ = true;
        thread_.request_stop();
        changed_.notify_all();
    }
    if (thread_.joinable()) {
        thread_.join();
    }
}

void LadderEngine::climb(const api::Uuid& uuid) {
    posix::Lock lock(mutex_);
    Climb& climb = climbs_[uuid];
    climb.progress = {};
    climb.wake_at = 0;
    changed_.notify_all();
}

void LadderEngine::run(const std::stop_token& stop) noexcept {
    posix::Lock lock(mutex_);
    while (!stop.stop_requested()) {
        std::int64_t next = Clock::never;
        const std::int64_t now = core_.clock.boot_ms();
        for (auto& [uuid, climb] : climbs_) {
            if (climb.stepping) {
                continue;
            }
            if (climb.wake_at <= now) {
                climb.stepping = true;
                core_.pool.post([this, id = uuid] { step(id); });
            } else {
                next = std::min(next, climb.wake_at);
            }
        }
        core_.clock.wait(lock, changed_, next);
    }
}

void LadderEngine::step(const api::Uuid& uuid) noexcept {
    domain::LadderProgress progress;
    {
        posix::Lock lock(mutex_);
        progress = climbs_[uuid].progress;
    }
    bool goes_on = false;
    std::int64_t wake_at = 0;
    const auto entry = core_.directory.find(uuid);
    try {
        goes_on = entry && is_ladder(entry->row) && step_once(entry->row, progress, wake_at);
    } catch (const std::exception& error) {
        core_.log(Severity::error, "shutdown of " + api::to_string(uuid) + ": " + error.what());
        goes_on = true;
        wake_at = core_.clock.boot_ms() + 1000;
    }
    posix::Lock lock(mutex_);
    const auto climb = climbs_.find(uuid);
    if (climb == climbs_.end()) {
        return;
    }
    climb->second.stepping = false;
    // One that was begun anew meanwhile has wake_at 0 and is looked at again.
    const auto now = core_.directory.find(uuid);
    if (!now || !is_ladder(now->row)) {
        climbs_.erase(climb);
    } else if (goes_on && entry &&
               now->row.intent->started_boot == entry->row.intent->started_boot) {
        climb->second.progress = progress;
        climb->second.wake_at = wake_at;
    }
    changed_.notify_all();
}

/// False when nothing is left to climb.
bool LadderEngine::step_once(const store::PartitionRow& row, domain::LadderProgress& progress,
                             std::int64_t& wake_at) {
    const domain::ShutdownLadder ladder = ladder_of(*row.intent);
    // One instant for the whole step: the rounds are counted from when asking was due, however long
    // the VMM took to be asked.
    const std::int64_t now = core_.clock.boot_ms();
    const auto step = domain::next_step(ladder, progress, now);
    switch (step.action) {
    case domain::LadderStep::Action::wait:
        wake_at = step.wake_at;
        return true;
    case domain::LadderStep::Action::send: {
        const bool delivered = send(row, ladder.methods[step.method]);
        domain::record_send(ladder, progress, delivered, now);
        wake_at = std::min(progress.next_at, ladder.deadline);
        return true;
    }
    case domain::LadderStep::Action::escalate:
        escalate(row);
        return false;
    case domain::LadderStep::Action::give_up:
        give_up(row);
        return false;
    }
    return false;
}

bool LadderEngine::send(const store::PartitionRow& row, api::ShutdownMethod method) {
    const LivePtr live = core_.lives.find(row.uuid);
    const auto process = live ? live->get_process() : nullptr;
    if (!process) {
        return false; // not adopted yet
    }
    const bool reboot = row.intent->kind == IntentKind::reboot;
    try {
        process->expect(reboot ? Expected::reboot : Expected::shutdown, core_.vmm_deadline());
        MSHV_CRASHPOINT("control.before_shutdown_send");
        if (method == api::ShutdownMethod::agent) {
            process->agent_shutdown(reboot, core_.vmm_deadline());
        } else {
            process->powerdown(core_.vmm_deadline());
        }
        MSHV_CRASHPOINT("control.after_shutdown_send");
        return true;
    } catch (const api::Error& error) {
        core_.log(Severity::info, "'" + row.name + "' cannot be asked by " +
                                      std::string(api::to_name(method)) + ": " + error.message());
        return false;
    }
}

void LadderEngine::escalate(const store::PartitionRow& row) {
    const std::string actor = row.intent->actor;
    core_.store.write([&](store::Transaction& t) {
        t.event("partition.shutdown-timeout", row.id, actor, "the guest did not follow in time");
    });
    if (row.intent->kind == IntentKind::shutdown) {
        operations_.destroy_now(row.uuid, actor);
        return;
    }
    give_up(row);
    if (const LivePtr live = core_.lives.find(row.uuid)) {
        if (const auto process = live->get_process()) {
            process->reset(core_.vmm_deadline());
        }
    }
}

void LadderEngine::give_up(const store::PartitionRow& row) {
    MSHV_CRASHPOINT("control.before_give_up");
    core_.store.write([&](store::Transaction& t) {
        const auto now = t.find(row.id);
        if (!now || now->intent != row.intent) {
            return; // it followed in this very moment
        }
        t.drop_intent(row.id);
        t.change(row.id, domain::Change::abandon, api::Reason::user, row.intent->actor,
                 std::string(api::to_name(row.intent->kind)) +
                     " given up: the guest did not follow");
    });
    const LivePtr live = core_.lives.find(row.uuid);
    if (const auto process = live ? live->get_process() : nullptr) {
        try {
            process->expect(Expected::none, core_.vmm_deadline());
        } catch (const api::Error& error) {
            core_.log(Severity::info, "'" + row.name + "': " + error.message());
        }
    }
}

} // namespace mshv::control
