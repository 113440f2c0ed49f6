// SPDX-License-Identifier: Apache-2.0
#include "daemon/store/row_codec.hpp"
#include "daemon/store/unit.hpp"

// The part of a unit of work that concerns long work, and the files that partitions resume from.

namespace mshv::store {
namespace {

JobRow job_at(SQLite::Statement& s) {
    JobRow job;
    job.id = column_int(s, 0);
    job.kind = column_enum<api::JobKind>(s, 1);
    job.state = column_enum<api::JobState>(s, 2);
    job.phase = column_enum<api::JobPhase>(s, 3);
    job.partition = column_int(s, 4);
    job.uuid = column_uuid(s, 5);
    job.name = s.getColumn(6).getString();
    job.incarnation = s.getColumn(7).getString();
    job.path = s.getColumn(8).getString();
    job.token = s.getColumn(9).getString();
    job.managed = column_int(s, 10) != 0;
    job.then = column_enum<api::AfterSave>(s, 11);
    job.was_running = column_int(s, 12) != 0;
    job.actor = s.getColumn(13).getString();
    job.started_ms = column_int(s, 14);
    if (!s.getColumn(15).isNull()) {
        job.ended_ms = column_int(s, 15);
    }
    job.error = s.getColumn(16).getString();
    job.message = s.getColumn(17).getString();
    job.hint = s.getColumn(18).getString();
    return job;
}

/// The kind of event that tells of a job's end.
std::string told(const JobRow& job) {
    return "job." + std::string(api::to_name(job.state));
}

} // namespace

std::vector<JobRow> read_jobs(Connection& connection) {
    auto& s = connection.statement(
        "SELECT id, kind, state, phase, partition, uuid, name, incarnation, path, token, managed, "
        "after, was_running, actor, started, ended, error, message, hint FROM job "
        "ORDER BY id DESC");
    std::vector<JobRow> jobs;
    while (s.executeStep()) {
        jobs.push_back(job_at(s));
    }
    s.reset();
    return jobs;
}

void Unit::set_saved(PartitionNumber id, const std::string& path, const std::string& actor,
                     const std::string& detail) {
    (bind(connection_, "UPDATE partition SET saved = ? WHERE id = ?") << path << id).exec();
    event(path.empty() ? "partition.saved-state-used" : "partition.saved", id, actor, detail);
    touch(id);
}

std::int64_t Unit::add_job(const JobRow& job) {
    (bind(connection_,
          "INSERT INTO job (kind, state, phase, partition, uuid, name, incarnation, path, token, "
          "managed, after, was_running, actor, started) "
          "VALUES (?, 'running', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
     << api::to_name(job.kind) << api::to_name(job.phase) << job.partition
     << api::to_string(job.uuid) << job.name << job.incarnation << job.path << job.token
     << job.managed << api::to_name(job.then) << job.was_running << job.actor << job.started_ms)
        .exec();
    const std::int64_t id = connection_.database().getLastInsertRowid();
    (bind(connection_, "DELETE FROM job WHERE id <= ? AND ended IS NOT NULL")
     << id - options_.keep_jobs)
        .exec();
    event("job.started", job.partition, job.actor,
          "job " + std::to_string(id) + ": " + std::string(api::to_name(job.kind)) + ' ' +
              job.path);
    return id;
}

void Unit::set_job_phase(std::int64_t job, api::JobPhase phase) {
    (bind(connection_, "UPDATE job SET phase = ? WHERE id = ?") << api::to_name(phase) << job)
        .exec();
}

bool Unit::end_job(const JobRow& job) {
    const int changed = (bind(connection_, "UPDATE job SET state = ?, ended = ?, error = ?, "
                                           "message = ?, hint = ?, partition = ? WHERE id = ? AND "
                                           "state = 'running'")
                         << api::to_name(job.state) << job.ended_ms << job.error << job.message
                         << job.hint << job.partition << job.id)
                            .exec();
    if (changed == 1) {
        event(told(job), find(job.partition) ? job.partition : 0, job.actor,
              "job " + std::to_string(job.id) + ": " + std::string(api::to_name(job.kind)) + " of '" +
                  job.name + '\'' + (job.message.empty() ? "" : ": " + job.message));
    }
    return changed == 1;
}

} // namespace mshv::store
