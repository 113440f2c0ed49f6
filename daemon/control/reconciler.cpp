// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/reconciler.hpp"

#include "daemon/control/restart_policy.hpp"
#include "daemon/domain/launch_plan.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"

#include <set>
#include <utility>

namespace mshv::control {
namespace {

using api::Reason;
using api::State;
using domain::Change;
using store::IntentKind;

constexpr const char* actor = "mshvd";
constexpr std::chrono::seconds adopt_timeout{10};

bool is_start(const store::PartitionRow& row) {
    return row.intent &&
           (row.intent->kind == IntentKind::create || row.intent->kind == IntentKind::start);
}

store::RunEnd end_by_host(std::string incarnation) {
    store::RunEnd end;
    end.incarnation = std::move(incarnation);
    end.reason = Reason::host_reboot;
    end.host_gone = true;
    end.detail = "The host was booted again";
    end.actor = actor;
    return end;
}

} // namespace

void Reconciler::begin(std::function<void()> task) {
    {
        posix::Lock lock(mutex_);
        ++open_;
    }
    core_.pool.post([this, task = std::move(task)] {
        task();
        posix::Lock lock(mutex_);
        --open_;
        done_.notify_all();
    });
}

void Reconciler::run() {
    bury_the_dead();
    MSHV_CRASHPOINT("control.after_bury");
    for (const auto& entry : core_.directory.all()) {
        if (entry->row.runtime) {
            begin([this, row = entry->row] { adopt(row); });
        } else if (is_start(entry->row)) {
            begin([this, row = entry->row] { undo(row); });
        }
    }
    clean_strays();
    const Deadline deadline = Deadline::after(core_.options.adopt_wait);
    posix::Lock lock(mutex_);
    while (open_ > 0 && !deadline.expired()) {
        done_.wait_until(lock, deadline.point());
    }
    if (open_ > 0) {
        core_.log(Severity::warning,
                  std::to_string(open_) + " partitions are still being adopted or cleaned");
    }
}

/// Whatever ran in an earlier boot of the machine is dead for certain.
void Reconciler::bury_the_dead() {
    const auto entries = core_.directory.all();
    core_.store.write([&](store::Transaction& t) {
        const bool rebooted = t.meta("boot_id").value_or(core_.boot_id) != core_.boot_id;
        for (const auto& entry : entries) {
            const auto& row = entry->row;
            if (row.runtime && row.runtime->boot_id != core_.boot_id) {
                auto end = end_by_host(row.runtime->incarnation);
                if (row.intent && row.intent->kind == IntentKind::save) {
                    end.reason = Reason::saved;
                }
                t.end_run(row.id, end);
            } else if (rebooted && is_start(row)) {
                store::RunEnd end;
                end.incarnation = row.intent->incarnation;
                end.reason = Reason::host_reboot;
                end.actor = actor;
                t.abort_start(row.id, end);
            } else if (rebooted && awaits_restart(row)) {
                t.cancel_restart(row.id, end_by_host(""));
            }
        }
        t.set_meta("boot_id", core_.boot_id);
        t.event("daemon.started", 0, actor, rebooted ? "after a boot of the host" : "");
    });
}

void Reconciler::adopt(const store::PartitionRow& row) noexcept {
    LivePtr live = core_.lives.find(row.uuid);
    if (!live || live->incarnation != row.runtime->incarnation) {
        live = core_.lives.add(row.uuid, row.id, row.runtime->incarnation);
    }
    {
        posix::Lock lock(live->mutex);
        if (live->adopting || live->recorded) {
            return;
        }
        live->adopting = true;
    }
    try {
        adopt_run(row, live);
    } catch (const std::exception& error) {
        core_.log(Severity::warning, "'" + row.name + "' is not adopted yet: " + error.what());
    }
    posix::Lock lock(live->mutex);
    live->adopting = false;
}

void Reconciler::adopt_run(const store::PartitionRow& row, const LivePtr& live) {
    const store::Runtime& runtime = *row.runtime;
    MSHV_CRASHPOINT("control.before_adopt");
    vmm::Adopted adopted =
        core_.vmm.adopt(row.uuid, {runtime.run_dir, runtime.nonce, runtime.keeper, runtime.boot_id},
                        runtime.acked_seq, Deadline::after(adopt_timeout));
    const bool alive = adopted.process != nullptr;
    supervisor_.run_adopted(live, std::move(adopted.process), std::move(adopted.missed));
    MSHV_CRASHPOINT("control.after_adopt");
    if (!alive) {
        supervisor_.record_lost(live, "Keeper and VMM were gone when mshvd started", true);
        return;
    }
    const auto now = core_.directory.find(row.uuid);
    if (!now || !now->row.runtime || now->row.runtime->incarnation != runtime.incarnation) {
        return; // it had ended meanwhile
    }
    if (adopted.status) {
        follow_status(now->row, *adopted.status);
        follow_sleep(now->row, *adopted.status);
    }
    if (now->row.revision != runtime.revision) {
        tell_end_policy(now->row);
    }
    settle(now->row);
}

/// The daemon before this one may have stored a definition and not got to tell the keeper.
void Reconciler::tell_end_policy(const store::PartitionRow& row) noexcept {
    try {
        const auto guard = core_.lock(row, "adopt", actor, core_.vmm_deadline());
        if (const auto now = core_.directory.find(row.uuid)) {
            operations_.tell_end_policy(now->row,
                                        domain::end_policy(core_.definition(now->row).spec));
        }
    } catch (const std::exception& error) {
        core_.log(Severity::warning,
                  "the keeper of '" + row.name + "' has an old end policy: " + error.what());
    }
}

/// Where the keeper's events do not explain what it says of itself, it is right.
void Reconciler::follow_status(const store::PartitionRow& row, const vmm::KeeperStatus& status) {
    Change why{};
    if (status.state == row.state) {
        return;
    }
    if (status.state == State::running && row.state == State::paused) {
        why = Change::resume;
    } else if (status.state == State::running && row.state == State::restarting) {
        why = Change::run;
    } else if (status.state == State::paused && row.state == State::running) {
        why = Change::pause;
    } else if (status.state == State::restarting && row.state == State::running) {
        why = Change::respawn;
    } else if (status.state == State::crashed) {
        why = Change::preserve;
    } else {
        return;
    }
    core_.store.write([&](store::Transaction& t) {
        const auto now = t.find(row.id);
        // Events that came since have a later word.
        if (now && now->state == row.state && now->runtime == row.runtime) {
            t.change(row.id, why, status.reason, actor, "found so when mshvd started");
        }
    });
}

/// The same for whether its guest sleeps.
void Reconciler::follow_sleep(const store::PartitionRow& row, const vmm::KeeperStatus& status) {
    if (status.suspended == row.runtime->suspended) {
        return;
    }
    core_.store.write([&](store::Transaction& t) {
        const auto now = t.find(row.id);
        if (now && now->runtime == row.runtime) {
            store::Runtime runtime = *now->runtime;
            runtime.suspended = status.suspended;
            t.update_run(row.id, runtime);
            t.event(status.suspended ? "partition.suspended" : "partition.resumed", row.id, actor,
                    "found so when mshvd started");
        }
    });
}

/// Goes on with what the earlier daemon was doing to an adopted partition.
void Reconciler::settle(const store::PartitionRow& row) {
    if (row.changing && core_.devices_moved) {
        core_.devices_moved(row.uuid, "");
    }
    if (core_.settings_due) {
        core_.settings_due(row.uuid);
    }
    if (!row.intent) {
        return;
    }
    if (row.intent->kind == IntentKind::destroy) {
        operations_.destroy_now(row.uuid, row.intent->actor);
    } else if (row.intent->kind == IntentKind::restore) {
        operations_.finish_restore(row.uuid);
    } else if (row.intent->kind != IntentKind::save) { // whose job goes on by itself
        ladders_.climb(row.uuid);
    }
}

/// A start of which only the intent is left.
void Reconciler::undo(const store::PartitionRow& row) noexcept {
    try {
        const auto guard = core_.lock(row, "undo start", actor, Deadline::after({}));
        const auto now = core_.directory.find(row.uuid);
        if (!now || !is_start(now->row) || now->row.runtime || now->row.intent != row.intent) {
            return;
        }
        if (row.intent->actor == "autostart") {
            // It never ran: its turn comes again.
            core_.store.write([&](store::Transaction& t) { t.set_autostart_done(row.id, ""); });
        }
        operations_.undo_start(now->row, Reason::start_failed,
                               "mshvd ended while it was being started",
                               row.intent->actor == restart_actor);
    } catch (const std::exception& error) {
        core_.log(Severity::warning,
                  "the start of '" + row.name + "' is not undone yet: " + error.what());
    }
}

/// Run folders that belong to no run.
void Reconciler::clean_strays() {
    std::set<std::pair<api::Uuid, std::string>> known;
    for (const auto& entry : core_.directory.all()) {
        if (entry->row.runtime) {
            known.emplace(entry->row.uuid, entry->row.runtime->incarnation);
        }
        if (entry->row.intent) {
            known.emplace(entry->row.uuid, entry->row.intent->incarnation);
        }
    }
    for (const auto& [uuid, incarnation] : core_.vmm.incarnations()) {
        if (known.contains({uuid, incarnation})) {
            continue;
        }
        begin([this, run = std::pair(uuid, incarnation)] {
            const std::string leftovers =
                "leftovers of " + api::to_string(run.first) + '/' + run.second;
            try {
                core_.vmm.clean(run.first, run.second, Deadline::after(adopt_timeout));
                core_.store.write(
                    [&](store::Transaction& t) { t.event("daemon.cleaned", 0, actor, leftovers); });
            } catch (const std::exception& error) {
                core_.log(Severity::warning, leftovers + " stay: " + error.what());
            }
        });
    }
}

void Reconciler::chores() noexcept {
    for (const auto& entry : core_.directory.all()) {
        const auto& row = entry->row;
        if ((!row.runtime && !row.intent) || core_.locks.holder(row.uuid)) {
            continue;
        }
        if (is_start(row)) {
            core_.pool.post([this, row] { undo(row); });
        } else if (row.runtime) {
            const LivePtr live = core_.lives.find(row.uuid);
            bool waiting = false;
            if (live) {
                posix::Lock lock(live->mutex);
                waiting = !live->recorded && live->incarnation == row.runtime->incarnation;
            }
            if (waiting) {
                core_.pool.post([this, row] { adopt(row); });
            }
        }
    }
}

} // namespace mshv::control
