// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/dumper.hpp"

#include "daemon/control/saved_file.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mshv::control {
namespace {

using api::Error;
using api::ErrorCode;
using vmm::Transfer;

/// What it is called until it is whole.
std::string part_of(const store::JobRow& job) {
    return job.path + "." + job.token + ".part";
}

bool has_content(const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 && info.st_size > 0;
}

/// Both are names of one file: it was given the second and did not lose the first yet.
bool are_one(const std::string& part, const std::string& path) {
    struct stat first {};
    struct stat second {};
    return ::stat(part.c_str(), &first) == 0 && ::stat(path.c_str(), &second) == 0 &&
           first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

} // namespace

void Dumper::prepare(Core& core, const store::PartitionRow& row, const api::DumpRequest& request) {
    refuse_place(request.path);
    core.process_of(row)->prepare_dump(request.format, core.vmm_deadline());
}

template <typename Steps>
void Dumper::to_its_end(store::JobRow& job, Steps steps) {
    if (came_through(job, steps)) {
        job.state = api::JobState::done;
    } else {
        ::unlink(part_of(job).c_str());
    }
    try {
        await_running(job);
    } catch (const Error& error) {
        core_.log(Severity::info, "whether '" + job.name +
                                      "' runs behind its dump is not known: " + error.message());
    }
    job.phase = job.state == api::JobState::done ? api::JobPhase::ending : job.phase;
    job.ended_ms = core_.clock.wall_ms();
    MSHV_CRASHPOINT("dump.before_job_end");
    core_.store.write([&](store::Transaction& t) { t.end_job(job); });
    MSHV_CRASHPOINT("dump.after_job_end");
}

void Dumper::run(store::JobRow& job, api::DumpFormat format) {
    to_its_end(job, [&] {
        const posix::Fd file = posix::open_file(part_of(job), O_RDWR | O_CREAT | O_EXCL, 0600);
        const auto vmm = process_.must(job, "dumped");
        line_.keep_on();
        core_.store.write(
            [&](store::Transaction& t) { t.set_job_phase(job.id, api::JobPhase::writing); });
        job.phase = api::JobPhase::writing;
        line_.at(job.phase);
        MSHV_CRASHPOINT("dump.before");
        vmm->dump_to(file, format, core_.vmm_deadline());
        MSHV_CRASHPOINT("dump.after");
        watch(job);
        keep(job);
    });
}

/// Returns when all of the memory is in the file.
void Dumper::watch(const store::JobRow& job) {
    for (;;) {
        const Transfer transfer = process_.must(job, "dumped")->dump(core_.vmm_deadline());
        line_.progress(static_cast<std::uint64_t>(transfer.done),
                       static_cast<std::uint64_t>(transfer.total));
        if (transfer.state == Transfer::State::completed) {
            return;
        }
        if (transfer.state != Transfer::State::active) {
            throw Error(ErrorCode::failed,
                        "The VMM could not write the memory of '" + job.name + "' to " + job.path,
                        "is there room in its file system, and is the format one for this guest?");
        }
        line_.look_after(look_interval);
    }
}

/// The file is whole: it gets its name.
void Dumper::keep(store::JobRow& job) {
    const std::string part = part_of(job);
    posix::check(::fsync(posix::open_file(part, O_RDONLY).get()), "write " + part);
    core_.store.write(
        [&](store::Transaction& t) { t.set_job_phase(job.id, api::JobPhase::ending); });
    job.phase = api::JobPhase::ending;
    line_.commit();
    MSHV_CRASHPOINT("dump.before_name");
    give_name(part, job.path, Existing::refuse);
    MSHV_CRASHPOINT("dump.after_name");
}

/// Who reads that the job has ended finds the partition as it was: its VMM says that the guest runs
/// again, and what it has reported is recorded.
void Dumper::await_running(const store::JobRow& job) {
    const Deadline deadline = core_.vmm_deadline();
    while (job.was_running && !deadline.expired()) {
        const auto process = process_.find(job);
        if (!process) {
            return;
        }
        const auto status = process->status(deadline);
        core_.await_recorded(job.uuid, job.incarnation, status.last_event_seq, deadline);
        const auto entry = core_.directory.find(job.uuid);
        if (status.state != api::State::paused &&
            (!entry || entry->row.state != api::State::paused)) {
            return;
        }
        line_.look_after(look_interval);
    }
}

void Dumper::go_on(store::JobRow& job) {
    to_its_end(job, [&] {
        const std::string part = part_of(job);
        if (job.phase == api::JobPhase::ending) {
            line_.commit();
            if (are_one(part, job.path)) {
                ::unlink(part.c_str());
            } else if (has_content(part)) {
                give_name(part, job.path, Existing::refuse);
            }
            return;
        }
        line_.keep_on();
        if (!process_.await(job)) {
            throw Error(ErrorCode::failed, "'" + job.name + "' ended while it was being dumped");
        }
        // What a VMM tells may be of an earlier dump: the first bytes of this one come at once.
        if (job.phase != api::JobPhase::writing || !has_content(part)) {
            throw Error(ErrorCode::failed, "mshvd ended before the dump had begun");
        }
        watch(job);
        keep(job);
    });
}

} // namespace mshv::control
