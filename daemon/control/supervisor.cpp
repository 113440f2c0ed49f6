// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/supervisor.hpp"

#include "daemon/control/keeper_events.hpp"
#include "daemon/control/restart_policy.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"

#include <algorithm>
#include <iterator>

namespace mshv::control {
namespace {

bool is_lost(const vmm::KeeperEvent& event) {
    return event.kind == vmm::KeeperEvent::Kind::keeper_lost;
}

/// After it a device may be there, or gone, that was not before.
bool moves_devices(const vmm::KeeperEvent& event) {
    using Kind = vmm::KeeperEvent::Kind;
    return event.kind == Kind::device_deleted || event.kind == Kind::device_kept ||
           event.kind == Kind::responsive || (event.kind == Kind::ready && event.generation > 1);
}

/// After it a VMM may have other settings than those that were recorded meanwhile.
bool moves_settings(const vmm::KeeperEvent& event) {
    using Kind = vmm::KeeperEvent::Kind;
    return event.kind == Kind::responsive || (event.kind == Kind::ready && event.generation > 1);
}

/// What is known of the guest's memory until something else is.
void note_memory(Live& live, const vmm::KeeperEvent& event) {
    using Kind = vmm::KeeperEvent::Kind;
    posix::Lock lock(live.mutex);
    if (event.kind == Kind::balloon) {
        live.memory = event.memory;
    } else if (event.kind == Kind::vmm_started) {
        live.memory.reset();
    }
}

} // namespace

void Supervisor::on_event(const api::Uuid& uuid, const std::string& incarnation,
                          const vmm::KeeperEvent& event) {
    const LivePtr live = core_.lives.find(uuid);
    if (!live || live->incarnation != incarnation) {
        return; // of a run that has been recorded as ended
    }
    if (event.kind == vmm::KeeperEvent::Kind::notice) {
        core_.log(Severity::warning, "keeper of " + api::to_string(uuid) + ": " + event.detail);
    }
    {
        posix::Lock lock(live->mutex);
        live->inbox.push_back(event);
    }
    schedule(live);
}

void Supervisor::run_recorded(const LivePtr& live, std::shared_ptr<vmm::VmmProcess> process) {
    {
        posix::Lock lock(live->mutex);
        live->process = std::move(process);
        live->recorded = true;
    }
    schedule(live);
}

void Supervisor::run_adopted(const LivePtr& live, std::shared_ptr<vmm::VmmProcess> process,
                             std::vector<vmm::KeeperEvent> missed) {
    {
        posix::Lock lock(live->mutex);
        live->process = std::move(process);
        live->inbox.insert(live->inbox.begin(), std::make_move_iterator(missed.begin()),
                           std::make_move_iterator(missed.end()));
        live->recorded = true;
        if (live->draining) {
            return;
        }
        live->draining = true;
    }
    drain(live);
}

void Supervisor::schedule(const LivePtr& live) {
    {
        posix::Lock lock(live->mutex);
        if (live->draining || !live->recorded || live->inbox.empty()) {
            return;
        }
        live->draining = true;
    }
    core_.pool.post([this, live] { drain(live); });
}

/// Empties the inbox in as few transactions as there are pauses in its filling.
void Supervisor::drain(const LivePtr& live) noexcept {
    for (;;) {
        std::vector<vmm::KeeperEvent> events;
        {
            posix::Lock lock(live->mutex);
            if (live->inbox.empty()) {
                live->draining = false;
                return;
            }
            events.assign(std::make_move_iterator(live->inbox.begin()),
                          std::make_move_iterator(live->inbox.end()));
            live->inbox.clear();
        }
        try {
            const Outcome outcome = apply(live, events);
            if (outcome.ended) {
                let_go(live);
            } else if (std::any_of(events.begin(), events.end(), is_lost)) {
                keeper_lost(live);
            }
        } catch (const std::exception& error) {
            // The keeper keeps what was not acknowledged: the next event or daemon brings it again.
            core_.log(Severity::error,
                      "events of " + api::to_string(live->uuid) + " not recorded: " + error.what());
            posix::Lock lock(live->mutex);
            live->inbox.insert(live->inbox.begin(), std::make_move_iterator(events.begin()),
                               std::make_move_iterator(events.end()));
            live->draining = false;
            return;
        }
    }
}

Supervisor::Outcome Supervisor::apply(const LivePtr& live,
                                      const std::vector<vmm::KeeperEvent>& events) {
    MSHV_CRASHPOINT("control.before_events");
    std::string asked_by;
    {
        posix::Lock lock(live->mutex);
        asked_by = live->asked_by;
    }
    const Outcome outcome = core_.store.write([&](store::Transaction& t) {
        Outcome result;
        for (const auto& event : events) {
            result.ended =
                apply_keeper_event(t, live->id, live->incarnation, event, asked_by) || result.ended;
        }
        result.removed = !t.find(live->id);
        return result;
    });
    MSHV_CRASHPOINT("control.after_events");
    std::int64_t last = 0;
    for (const auto& event : events) {
        last = std::max(last, event.seq);
    }
    if (const auto process = live->get_process(); process && last > 0) {
        process->acknowledge(last);
    }
    if (outcome.ended && outcome.removed && core_.hooks.removed) {
        core_.hooks.removed(live->uuid);
    }
    for (const auto& event : events) {
        note_memory(*live, event);
        if (moves_settings(event) && !outcome.ended && core_.settings_due) {
            core_.settings_due(live->uuid);
        }
        if (moves_devices(event) && !outcome.ended && core_.devices_moved) {
            core_.devices_moved(live->uuid, event.kind == vmm::KeeperEvent::Kind::device_deleted
                                                ? event.detail
                                                : std::string());
        }
    }
    return outcome;
}

void Supervisor::let_go(const LivePtr& live) {
    core_.lives.remove(live);
    core_.pool.post([this, live] {
        release(live);
        if (core_.run_left) {
            core_.run_left(live->uuid);
        }
    });
}

void Supervisor::release(const LivePtr& live) noexcept {
    MSHV_CRASHPOINT("control.before_release");
    std::shared_ptr<vmm::VmmProcess> process;
    {
        // Taken out, so that it ends here: whoever else holds the run for a moment may be one of
        // the VmmHost's own threads.
        posix::Lock lock(live->mutex);
        process = std::move(live->process);
    }
    try {
        if (process) {
            process->release(core_.vmm_deadline());
            MSHV_CRASHPOINT("control.after_release");
            return;
        }
    } catch (const std::exception& error) {
        core_.log(Severity::info,
                  "keeper of " + api::to_string(live->uuid) + " did not leave: " + error.what());
    }
    try {
        core_.vmm.clean(live->uuid, live->incarnation, core_.vmm_deadline());
    } catch (const std::exception& error) {
        core_.log(Severity::warning, "leftovers of " + api::to_string(live->uuid) +
                                         " stay until the next start: " + error.what());
    }
}

/// The keeper is dead. Without it there is no console, no monitor and no policy: what may be left
/// of its VMM is ended, and the run with it.
void Supervisor::keeper_lost(const LivePtr& live) noexcept {
    try {
        const bool gone = end_remains(live);
        MSHV_CRASHPOINT("control.after_remains");
        record_lost(live,
                    gone ? "The keeper died; what was left of the VMM has been ended"
                         : "The keeper died, and its VMM may still be there",
                    gone);
    } catch (const std::exception& error) {
        core_.log(Severity::error,
                  "the lost keeper of " + api::to_string(live->uuid) + ": " + error.what());
    }
}

/// True when nothing of the VMM is left for certain.
bool Supervisor::end_remains(const LivePtr& live) {
    std::string why;
    try {
        if (const auto process = live->get_process()) {
            process->kill(core_.vmm_deadline());
        } else {
            core_.vmm.clean(live->uuid, live->incarnation, core_.vmm_deadline());
        }
        return true;
    } catch (const api::Error& error) {
        if (error.code() == api::ErrorCode::wrong_state) {
            return true; // it went with its keeper
        }
        why = error.message();
    } catch (const std::exception& error) {
        why = error.what();
    }
    core_.store.write([&](store::Transaction& t) {
        if (t.find(live->id)) {
            t.event("partition.vmm-left", live->id, "mshvd", why);
        }
    });
    return false;
}

void Supervisor::record_lost(const LivePtr& live, const std::string& detail, bool vmm_gone) {
    const auto entry = core_.directory.find(live->uuid);
    if (!entry) {
        return;
    }
    RestartPlan plan;
    try {
        if (vmm_gone) {
            plan = plan_restart(core_, entry->row, 0);
        }
    } catch (const std::exception& error) { // the end must be recorded nevertheless
        core_.log(Severity::error,
                  "no restart of '" + entry->row.name + "': " + std::string(error.what()));
    }
    store::RunEnd end;
    end.incarnation = live->incarnation;
    end.change = domain::Change::fail;
    end.actor = "mshvd";
    const auto [ended, removed] = core_.store.write([&](store::Transaction& t) {
        const auto now = t.find(live->id);
        const bool unasked = now && ended_unasked(*now);
        end.reason = unasked && plan.limit ? api::Reason::restart_limit : api::Reason::keeper_lost;
        end.detail = detail + (unasked && !plan.says.empty() ? "; " + plan.says : "");
        end.restart = unasked ? plan.intent : std::nullopt;
        if (now && now->intent && now->intent->kind == store::IntentKind::save) {
            end.change = domain::Change::end; // it had been saved: that its VMM ends was wanted
            end.reason = api::Reason::saved;
        }
        const bool ours = t.end_run(live->id, end);
        return std::pair(ours, !t.find(live->id));
    });
    MSHV_CRASHPOINT("control.after_lost");
    if (!ended) {
        return;
    }
    let_go(live); // its release fails, and the folder is cleaned instead
    if (removed && core_.hooks.removed) {
        core_.hooks.removed(live->uuid);
    }
}

} // namespace mshv::control
