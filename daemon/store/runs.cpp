// SPDX-License-Identifier: Apache-2.0
#include "daemon/store/row_codec.hpp"
#include "daemon/store/unit.hpp"

// The part of a unit of work that concerns a partition's life.

namespace mshv::store {
namespace {

using api::Error;
using api::ErrorCode;

std::int64_t ticks(std::uint64_t value) {
    return static_cast<std::int64_t>(value);
}

constexpr std::size_t longest_detail = 4096;

} // namespace

bool Unit::change(PartitionNumber id, domain::Change why, api::Reason reason,
                  const std::string& actor, const std::string& detail) {
    const PartitionRow row = must_find(id);
    const auto to = domain::next_state(row.state, why);
    if (!to) {
        return false;
    }
    const int changed =
        (bind(connection_, "UPDATE partition SET state = ?, reason = ?, "
                           "state_since = ? WHERE id = ? AND state = ?")
         << api::to_name(*to) << api::to_name(reason) << now_ms() << id << api::to_name(row.state))
            .exec();
    if (changed != 1) {
        return false;
    }
    touch(id);
    append_event(&row, {"partition.state", actor, detail, row.state, to, reason});
    return true;
}

void Unit::put_intent(PartitionNumber id, const Intent& i) {
    (bind(connection_,
          "INSERT OR REPLACE INTO intent (partition, kind, actor, started, started_boot, "
          "deadline_boot, incarnation, methods, resend, escalate) VALUES (?, ?, ?, ?, ?, ?, ?, ?, "
          "?, ?)")
     << id << api::to_name(i.kind) << i.actor << i.started_ms << i.started_boot << i.deadline_boot
     << i.incarnation << join_methods(i.methods) << i.resend_s << api::to_name(i.escalate))
        .exec();
    touch(id);
}

void Unit::drop_intent(PartitionNumber id) {
    (bind(connection_, "DELETE FROM intent WHERE partition = ?") << id).exec();
    touch(id);
}

void Unit::begin_run(PartitionNumber id, const Runtime& r, const std::string& started_by) {
    const PartitionRow row = must_find(id);
    (bind(connection_,
          "INSERT INTO runtime (partition, incarnation, run_dir, nonce, boot_id, keeper_pid, "
          "keeper_start, vmm_pid, vmm_start, generation, acked_seq, started, generation_started, "
          "accelerator, accelerator_reason, vmm_version, responsive, revision) "
          "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
     << id << r.incarnation << r.run_dir << r.nonce << r.boot_id << r.keeper.pid
     << ticks(r.keeper.start_ticks) << r.vmm.pid << ticks(r.vmm.start_ticks) << r.generation
     << r.acked_seq << r.started_ms << r.generation_started_ms << r.accelerator
     << r.accelerator_reason << r.vmm_version << r.responsive << row.revision)
        .exec();
    (bind(connection_, "INSERT INTO history (partition, uuid, name, incarnation, started, "
                       "started_by) VALUES (?, ?, ?, ?, ?, ?)")
     << id << api::to_string(row.uuid) << row.name << r.incarnation << r.started_ms << started_by)
        .exec();
    const std::int64_t seq = connection_.database().getLastInsertRowid();
    (bind(connection_, "UPDATE partition SET was_running = 0 WHERE id = ?") << id).exec();
    if (seq % 256 == 0) {
        (bind(connection_, "DELETE FROM history WHERE seq <= ? AND ended IS NOT NULL")
         << seq - options_.keep_history)
            .exec();
    }
    touch(id);
}

void Unit::update_run(PartitionNumber id, const Runtime& r) {
    (bind(connection_, "UPDATE runtime SET vmm_pid = ?, vmm_start = ?, generation = ?, "
                       "acked_seq = ?, generation_started = ?, responsive = ?, suspended = ? "
                       "WHERE partition = ? AND incarnation = ?")
     << r.vmm.pid << ticks(r.vmm.start_ticks) << r.generation << r.acked_seq
     << r.generation_started_ms << r.responsive << r.suspended << id << r.incarnation)
        .exec();
    touch(id);
}

void Unit::close_history(const RunEnd& end, const Runtime& runtime) {
    (bind(connection_, "UPDATE history SET ended = ?, ended_by = ?, reason = ?, exit_code = ?, "
                       "exit_signal = ?, generations = ?, "
                       // What a shutdown of the host has begun with it stands there already.
                       "detail = detail || CASE WHEN detail = '' OR ? = '' THEN '' ELSE '; ' END "
                       "|| ? WHERE incarnation = ?")
     << end.at_ms << end.actor << api::to_name(end.reason) << end.exit_code << end.signal
     << runtime.generation << end.detail << end.detail << end.incarnation)
        .exec();
}

/// Gives back what belonged to a run.
void Unit::release_run(PartitionNumber id) {
    (bind(connection_, "DELETE FROM runtime WHERE partition = ?") << id).exec();
    (bind(connection_, "DELETE FROM intent WHERE partition = ?") << id).exec();
    (bind(connection_, "DELETE FROM disk_lease WHERE partition = ?") << id).exec();
    (bind(connection_, "DELETE FROM mac_lease WHERE partition = ?") << id).exec();
    (bind(connection_, "DELETE FROM live_spec WHERE partition = ?") << id).exec();
    (bind(connection_, "DELETE FROM device_change WHERE partition = ?") << id).exec();
    touch(id);
}

bool Unit::end_run(PartitionNumber id, const RunEnd& given) {
    const auto row = find(id);
    if (!row || !row->runtime || row->runtime->incarnation != given.incarnation) {
        return false;
    }
    const auto to = domain::next_state(row->state, given.change);
    if (!to) {
        throw Error(ErrorCode::failed, "Partition '" + row->name + "' cannot end from the state " +
                                           std::string(api::to_name(row->state)));
    }
    RunEnd end = given;
    end.at_ms = end.at_ms == 0 ? now_ms() : end.at_ms;
    end.detail = end.detail.substr(0, longest_detail);
    close_history(end, *row->runtime);
    release_run(id);
    (bind(connection_,
          "UPDATE partition SET state = ?, reason = ?, state_since = ?, "
          "was_running = was_running OR ?, exit_at = ?, exit_reason = ?, exit_code = ?, "
          "exit_signal = ?, exit_detail = ? "
          "WHERE id = ? AND state = ?")
     << api::to_name(*to) << api::to_name(end.reason) << now_ms() << end.host_gone << end.at_ms
     << api::to_name(end.reason) << end.exit_code << end.signal << end.detail << id
     << api::to_name(row->state))
        .exec();
    append_event(&*row, {"partition.state", end.actor, end.detail, row->state, to, end.reason});
    go_on_or_go(*row, end, row->persistent);
    return true;
}

/// What follows an end: a restart, or that a partition which nobody defined is no more.
void Unit::go_on_or_go(const PartitionRow& row, const RunEnd& end, bool stays) {
    if (end.restart) {
        put_intent(row.id, *end.restart);
    } else if (!stays) {
        remove(row.id, "partition.removed", end.actor, {});
    }
}

void Unit::note_host_shutdown(PartitionNumber id, api::HostOutcome outcome,
                              const std::string& actor, const std::string& detail) {
    const PartitionRow row = must_find(id);
    const bool begins = outcome == api::HostOutcome::begun;
    const std::string told =
        begins ? detail
               : std::string(api::to_name(outcome)) + (detail.empty() ? "" : ": " + detail);
    append_event(&row, {begins ? "partition.host-shutdown" : "partition.host-shutdown-done",
                        actor,
                        told,
                        {},
                        {},
                        {}});
    if (begins && row.runtime) {
        (bind(connection_, "UPDATE partition SET was_running = 1 WHERE id = ?") << id).exec();
    }
    // The VMM's last words stay behind it.
    (bind(connection_,
          "UPDATE history SET detail = ? || CASE WHEN detail = '' THEN '' "
          "WHEN detail NOT LIKE 'host shutdown%' THEN '; ' || detail "
          "WHEN instr(detail, '; ') = 0 THEN '' ELSE substr(detail, instr(detail, '; ')) END "
          "WHERE seq = (SELECT max(seq) FROM history WHERE uuid = ?)")
     << ("host shutdown: " + told).substr(0, longest_detail) << api::to_string(row.uuid))
        .exec();
    touch(id);
}

bool Unit::cancel_restart(PartitionNumber id, const RunEnd& end) {
    const auto row = find(id);
    if (!row || !row->intent || row->intent->kind != IntentKind::restart) {
        return false;
    }
    drop_intent(id);
    event("partition.restart-cancelled", id, end.actor, end.detail);
    change(id, end.change, end.reason, end.actor, end.detail);
    (bind(connection_, "UPDATE partition SET was_running = ? WHERE id = ?") << end.host_gone << id)
        .exec();
    go_on_or_go(*row, end, row->persistent);
    return true;
}

void Unit::abort_start(PartitionNumber id, const RunEnd& given) {
    const PartitionRow row = must_find(id);
    const bool created = row.intent && row.intent->kind == IntentKind::create;
    const std::int64_t now = now_ms();
    const std::string detail = given.detail.substr(0, longest_detail);
    const std::string started_by = row.intent ? row.intent->actor : given.actor;
    (bind(connection_,
          "INSERT INTO history (partition, uuid, name, incarnation, started, started_by, ended, "
          "ended_by, reason, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
          "ON CONFLICT (incarnation) DO NOTHING")
     << id << api::to_string(row.uuid) << row.name << given.incarnation
     << (row.intent ? row.intent->started_ms : now) << started_by << now << given.actor
     << api::to_name(given.reason) << detail)
        .exec();
    release_run(id);
    change(id, domain::Change::abort, given.reason, given.actor, detail);
    (bind(connection_, "UPDATE partition SET exit_at = ?, exit_reason = ?, exit_code = NULL, "
                       "exit_signal = NULL, exit_detail = ? WHERE id = ?")
     << now << api::to_name(given.reason) << detail << id)
        .exec();
    go_on_or_go(row, given, row.persistent && !created);
}

} // namespace mshv::store
