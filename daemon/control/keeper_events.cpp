// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/keeper_events.hpp"

#include "toolstack/libs/posix/crashpoint.hpp"

namespace mshv::control {
namespace {

using api::Reason;
using api::State;
using domain::Change;
using store::IntentKind;
using vmm::KeeperEvent;
using Kind = KeeperEvent::Kind;

constexpr const char* keeper_actor = "keeper";

bool has_intent(const store::PartitionRow& row, IntentKind kind) {
    return row.intent && row.intent->kind == kind;
}

/// Who stands behind what the keeper reports, where it is known.
std::string actor_of(const store::PartitionRow& row, Reason reason) {
    const bool asked = reason == Reason::destroyed || reason == Reason::shutdown ||
                       reason == Reason::saved;
    return asked && row.intent ? row.intent->actor : keeper_actor;
}

/// Another generation follows or has begun.
void on_respawn(store::Transaction& t, const store::PartitionRow& row, const KeeperEvent& event) {
    if (row.state == State::stopping && !has_intent(row, IntentKind::reboot)) {
        return; // the guest rebooted instead of stopping: the ladder goes on
    }
    if (has_intent(row, IntentKind::reboot)) {
        t.drop_intent(row.id);
    }
    t.change(row.id, Change::respawn, event.reason, keeper_actor, event.detail);
}

void on_running(store::Transaction& t, const store::PartitionRow& row, const KeeperEvent& event,
                const std::string& asked_by) {
    if (row.state == State::restarting) {
        t.change(row.id, Change::run, event.reason != Reason::none ? event.reason : row.reason,
                 keeper_actor);
    } else if (row.state == State::paused) { // nothing ends a pause but a request
        t.change(row.id, Change::resume, Reason::user, asked_by);
    }
}

void on_paused(store::Transaction& t, const store::PartitionRow& row, const KeeperEvent& event,
               const std::string& asked_by) {
    if (event.reason == Reason::guest_panic) {
        if (t.change(row.id, Change::preserve, event.reason, keeper_actor, event.detail)) {
            t.drop_intent(row.id);
        }
    } else if (row.state == State::restarting) {
        t.change(row.id, Change::run_paused, event.reason, keeper_actor, event.detail);
    } else if (row.state == State::running) {
        t.change(row.id, Change::pause, event.reason,
                 event.reason == Reason::user ? asked_by : keeper_actor, event.detail);
    }
}

bool on_finished(store::Transaction& t, const store::PartitionRow& row, const KeeperEvent& event) {
    store::RunEnd end;
    end.incarnation = row.runtime->incarnation;
    end.reason = event.reason;
    const bool saved = has_intent(row, IntentKind::save);
    const bool followed =
        event.reason == Reason::shutdown || event.reason == Reason::guest_poweroff;
    if (saved) {
        end.reason = Reason::saved;
    } else if (has_intent(row, IntentKind::destroy)) {
        end.reason = followed ? Reason::shutdown : Reason::destroyed; // it went within the grace
    } else if (has_intent(row, IntentKind::shutdown) && followed) {
        end.reason = Reason::shutdown;
    }
    end.change = is_wanted_end(end.reason) ? Change::end : Change::fail;
    if (event.exit) {
        (event.exit->signalled ? end.signal : end.exit_code) = event.exit->value;
    }
    end.detail = event.detail;
    end.actor = actor_of(row, end.reason);
    end.at_ms = event.at_ms;
    return t.end_run(row.id, end);
}

void on_responsive(store::Transaction& t, const store::PartitionRow& row, const KeeperEvent& event,
                   store::Runtime& runtime) {
    runtime.responsive = event.kind == Kind::responsive;
    t.event(runtime.responsive ? "partition.responsive" : "partition.unresponsive", row.id,
            keeper_actor, event.detail);
}

void on_sleep(store::Transaction& t, const store::PartitionRow& row, const KeeperEvent& event,
              store::Runtime& runtime) {
    runtime.suspended = event.kind == Kind::suspended;
    if (runtime.suspended != row.runtime->suspended) {
        t.event(runtime.suspended ? "partition.suspended" : "partition.resumed", row.id,
                keeper_actor, event.detail);
    }
}

} // namespace

bool is_wanted_end(Reason reason) {
    switch (reason) {
    case Reason::guest_poweroff:
    case Reason::guest_reboot:
    case Reason::shutdown:
    case Reason::destroyed:
    case Reason::user:
    case Reason::host_reboot:
    case Reason::saved:
        return true;
    default:
        return false;
    }
}

bool apply_keeper_event(store::Transaction& t, store::PartitionNumber id,
                        const std::string& incarnation, const KeeperEvent& event,
                        const std::string& asked_by) {
    const auto row = t.find(id);
    if (!row || !row->runtime || row->runtime->incarnation != incarnation ||
        event.seq <= row->runtime->acked_seq) {
        return false;
    }
    store::Runtime runtime = *row->runtime;
    runtime.acked_seq = event.seq;
    switch (event.kind) {
    case Kind::vmm_started:
        runtime.generation = event.generation;
        runtime.generation_started_ms = event.at_ms;
        runtime.responsive = true;
        runtime.suspended = false;
        if (event.vmm) {
            runtime.vmm = *event.vmm;
        }
        if (event.generation > 1) {
            on_respawn(t, *row, event);
        }
        break;
    case Kind::running:
        on_running(t, *row, event, asked_by.empty() ? keeper_actor : asked_by);
        break;
    case Kind::paused:
        on_paused(t, *row, event, asked_by.empty() ? keeper_actor : asked_by);
        break;
    case Kind::guest_panicked:
        t.event("partition.panicked", id, keeper_actor, event.detail);
        break;
    case Kind::vmm_exited:
        runtime.vmm = {};
        if (!has_intent(*row, IntentKind::destroy) &&
            !has_intent(*row, IntentKind::save)) { // which tells the same in its own words
            t.event("partition.vmm-exited", id, keeper_actor, event.detail);
        }
        break;
    case Kind::respawn_wait:
        on_respawn(t, *row, event);
        break;
    case Kind::unresponsive:
    case Kind::responsive:
        on_responsive(t, *row, event, runtime);
        break;
    case Kind::suspended:
    case Kind::awake:
        on_sleep(t, *row, event, runtime);
        break;
    case Kind::writer_changed:
        t.event("console.writer", id, keeper_actor, event.detail);
        break;
    case Kind::finished:
        t.update_run(id, runtime);
        MSHV_CRASHPOINT("control.in_finish");
        return on_finished(t, *row, event);
    case Kind::ready:
    case Kind::device_deleted: // what it means is found out from the VMM
    case Kind::device_kept:
    case Kind::balloon: // how much memory the guest has is not stored
    case Kind::notice:
    case Kind::keeper_lost:
        break;
    }
    t.update_run(id, runtime);
    return false;
}

} // namespace mshv::control
