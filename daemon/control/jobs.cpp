// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/jobs.hpp"

#include "daemon/control/dumper.hpp"
#include "daemon/control/saver.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace mshv::control {
namespace {

using api::Error;
using api::ErrorCode;
using posix::Lock;

constexpr std::size_t most_running = 64;
constexpr std::size_t most_kept = 1000;

std::string_view verb_of(const store::JobRow& row) {
    return row.managed ? "managed-save" : api::to_name(row.kind);
}

} // namespace

void Jobs::load() {
    for (const auto& row : core_.store.jobs()) {
        const auto job = std::make_shared<Job>(row);
        if (row.state == api::JobState::running && row.kind != api::JobKind::restore) {
            // Nobody else is there yet: it is free.
            job->guard.emplace(core_.locks.acquire(
                row.uuid, row.name,
                api::OperationView{std::string(verb_of(row)), row.actor, row.started_ms},
                Deadline::after({})));
        }
        Lock lock(mutex_);
        jobs_.emplace(row.id, job);
    }
}

void Jobs::go_on() {
    std::vector<JobPtr> open;
    {
        Lock lock(mutex_);
        for (const auto& [id, job] : jobs_) {
            if (job->row.state == api::JobState::running) {
                open.push_back(job);
            }
        }
    }
    for (const auto& job : open) {
        begin(job, [this](Job& own) {
            switch (own.row.kind) {
            case api::JobKind::save:
                Saver(core_, supervisor_, own.line).go_on(own.row);
                break;
            case api::JobKind::restore:
                go_on_restore(own);
                break;
            case api::JobKind::dump_core:
                Dumper(core_, own.line).go_on(own.row);
                break;
            }
        });
    }
}

/// A restore is as long as the daemon: what its run has come to says what it was.
void Jobs::go_on_restore(Job& job) {
    const auto entry = core_.directory.find(job.row.uuid);
    const bool runs =
        entry && entry->row.runtime && entry->row.runtime->incarnation == job.row.incarnation;
    job.row.state = api::JobState::done;
    if (!runs) {
        set_failed(job.row, Error(ErrorCode::failed, "mshvd ended while it was being restored",
                                  "restore it again: its file is as it was"));
    }
    job.row.ended_ms = core_.clock.wall_ms();
    core_.store.write([&](store::Transaction& t) { t.end_job(job.row); });
}

template <typename Work>
void Jobs::begin(const JobPtr& job, Work work) {
    Lock lock(mutex_);
    if (stopped_) {
        throw Error(ErrorCode::unreachable, "mshvd is ending");
    }
    jobs_.emplace(job->row.id, job); // or it is there, of an earlier daemon
    forget_old();
    job->thread = std::jthread([this, own = job.get(), work = std::move(work)]() mutable {
        try {
            work(*own);
        } catch (const JobLine::Detached&) { // NOLINT: the next daemon goes on with it
        } catch (const std::exception& error) {
            core_.log(Severity::error, "job " + std::to_string(own->row.id) + ": " + error.what());
        }
        own->guard.reset();
        own->line.finish(own->row);
    });
}

void Jobs::stop() {
    std::map<std::int64_t, JobPtr> jobs;
    {
        Lock lock(mutex_);
        stopped_ = true;
        jobs.swap(jobs_);
    }
    for (const auto& [id, job] : jobs) {
        job->line.detach();
    }
    for (const auto& [id, job] : jobs) {
        if (job->thread.joinable()) {
            job->thread.join();
        }
    }
}

void Jobs::refuse_too_many() {
    Lock lock(mutex_);
    const auto running = std::count_if(jobs_.begin(), jobs_.end(), [](const auto& entry) {
        return entry.second->line.view().state == api::JobState::running;
    });
    if (std::cmp_greater_equal(running, most_running)) {
        throw Error(ErrorCode::no_resource,
                    std::to_string(most_running) + " jobs are running: more are not begun",
                    "wait for one of them; mshvctl jobs shows them");
    }
}

void Jobs::forget_old() {
    for (auto it = jobs_.begin(); it != jobs_.end() && jobs_.size() > most_kept;) {
        const auto& job = it->second;
        if (job->line.view().state == api::JobState::running) {
            ++it;
            continue;
        }
        it = jobs_.erase(it); // its thread has ended, or is about to
    }
}

store::JobRow Jobs::new_row(api::JobKind kind, const std::string& path, const std::string& actor) {
    store::JobRow row;
    row.kind = kind;
    row.path = path;
    row.actor = actor;
    row.started_ms = core_.clock.wall_ms();
    row.token = api::to_string(api::random_uuid());
    return row;
}

/// Fills in whose run the job is about. Throws unless `verb` may be done to it.
OperationLocks::Guard Jobs::hold(const Directory::EntryPtr& entry, domain::Verb verb,
                                 store::JobRow& row, Deadline wait_busy) {
    auto guard = core_.lock(entry->row, verb_of(row), row.actor, wait_busy);
    const auto now = core_.directory.find(entry->row.uuid);
    if (!now) {
        throw Error(ErrorCode::not_found, "Partition '" + entry->row.name + "' is gone");
    }
    require(verb, now->row);
    if (!now->row.runtime) {
        throw Error(ErrorCode::wrong_state,
                    "Partition '" + now->row.name + "' has crashed, and its VMM has ended",
                    "with <on_crash>preserve</on_crash> it would be there still");
    }
    row.partition = now->row.id;
    row.uuid = now->row.uuid;
    row.name = now->row.name;
    row.incarnation = now->row.runtime->incarnation;
    row.was_running = now->row.state == api::State::running;
    return guard;
}

api::JobView Jobs::save(const Directory::EntryPtr& entry, const api::SaveRequest& request,
                        const std::string& actor, Deadline wait_busy) {
    refuse_too_many();
    const bool managed = request.path.empty();
    const std::string path = managed ? managed_path(core_, entry->row.uuid) : request.path;
    store::JobRow row = new_row(api::JobKind::save, path, actor);
    row.managed = managed;
    row.then = request.then;
    auto guard = hold(entry, domain::Verb::save, row, wait_busy);
    api::SaveManifest manifest =
        Saver::prepare(core_, core_.directory.find(row.uuid)->row, request, path);
    row.token = manifest.token;
    MSHV_CRASHPOINT("save.before_job");
    row.id = core_.store.write([&](store::Transaction& t) { return t.add_job(row); });
    MSHV_CRASHPOINT("save.after_job");
    const auto job = std::make_shared<Job>(row);
    job->guard.emplace(std::move(guard));
    begin(job, [this, manifest = std::move(manifest)](Job& own) {
        Saver(core_, supervisor_, own.line).run(own.row, manifest);
    });
    return job->line.view();
}

api::JobView Jobs::dump(const Directory::EntryPtr& entry, const api::DumpRequest& request,
                        const std::string& actor, Deadline wait_busy) {
    refuse_too_many();
    store::JobRow row = new_row(api::JobKind::dump_core, request.path, actor);
    auto guard = hold(entry, domain::Verb::dump_core, row, wait_busy);
    Dumper::prepare(core_, core_.directory.find(row.uuid)->row, request);
    row.id = core_.store.write([&](store::Transaction& t) { return t.add_job(row); });
    MSHV_CRASHPOINT("dump.after_job");
    const auto job = std::make_shared<Job>(row);
    job->guard.emplace(std::move(guard));
    begin(job, [this, format = request.format](Job& own) {
        Dumper(core_, own.line).run(own.row, format);
    });
    return job->line.view();
}

api::JobView Jobs::restore(const api::RestoreRequest& request, const std::string& actor,
                           Deadline wait_busy) {
    refuse_too_many();
    auto prepared = std::make_shared<Operations::Restore>( // shared: a thread's work is copied
        operations_.prepare_restore(request, actor, wait_busy));
    store::JobRow row = new_row(api::JobKind::restore, request.path, actor);
    row.partition = prepared->entry ? prepared->entry->row.id : 0;
    row.uuid = prepared->image.manifest.spec.uuid.value();
    row.name = prepared->image.manifest.spec.name;
    row.incarnation = prepared->incarnation;
    row.id = core_.store.write([&](store::Transaction& t) { return t.add_job(row); });
    MSHV_CRASHPOINT("restore.after_job");
    const auto job = std::make_shared<Job>(row);
    begin(job, [this, prepared](Job& own) mutable {
        own.row.state = api::JobState::done;
        try {
            operations_.restore(*prepared, own.row.actor, own.line);
        } catch (const JobLine::Cancelled&) {
            own.row.state = api::JobState::cancelled;
        } catch (const JobLine::Detached&) {
            set_failed(own.row,
                       Error(ErrorCode::failed, "mshvd ended while it was being restored"));
        } catch (const Error& error) {
            set_failed(own.row, error);
        } catch (const std::exception& error) {
            set_failed(own.row, Error(ErrorCode::failed, error.what()));
        }
        own.row.phase = own.row.state == api::JobState::done ? api::JobPhase::ending
                                                             : api::JobPhase::loading;
        own.row.ended_ms = core_.clock.wall_ms();
        if (const auto entry = core_.directory.find(own.row.uuid)) {
            own.row.partition = entry->row.id;
        }
        prepared.reset(); // the lock, and the file
        core_.store.write([&](store::Transaction& t) { t.end_job(own.row); });
    });
    return job->line.view();
}

Jobs::JobPtr Jobs::find(std::int64_t id) {
    Lock lock(mutex_);
    const auto job = jobs_.find(id);
    if (job == jobs_.end()) {
        throw Error(ErrorCode::not_found, "There is no job " + std::to_string(id),
                    "mshvctl jobs shows those that are known");
    }
    return job->second;
}

api::JobList Jobs::list() {
    api::JobList list;
    Lock lock(mutex_);
    for (auto it = jobs_.rbegin(); it != jobs_.rend(); ++it) {
        list.jobs.push_back(it->second->line.view());
    }
    return list;
}

api::JobView Jobs::get(std::int64_t id, Deadline wait) {
    return find(id)->line.wait(wait);
}

api::JobView Jobs::cancel(std::int64_t id) {
    const auto job = find(id);
    if (!job->line.cancel()) {
        const auto view = job->line.view();
        throw Error(ErrorCode::wrong_state,
                    "Job " + std::to_string(id) +
                        (view.state == api::JobState::running
                             ? " cannot be cancelled any more"
                             : " has ended (" + std::string(api::to_name(view.state)) + ")"));
    }
    return job->line.view();
}

} // namespace mshv::control
