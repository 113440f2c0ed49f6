// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/core.hpp"
#include "daemon/control/job_line.hpp"
#include "daemon/control/operations.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>

namespace mshv::control {

/// Long work, each in a thread of its own that holds its partition's operation lock. Thread-safe.
/// What is asked of jobs is answered from memory.
class Jobs {
public:
    Jobs(Core& core, Operations& operations, Supervisor& supervisor)
        : core_(core), operations_(operations), supervisor_(supervisor) {}
    Jobs(const Jobs&) = delete;
    Jobs& operator=(const Jobs&) = delete;
    ~Jobs() { stop(); }

    /// Loads them, and takes the locks of those that an earlier daemon was at: before anything else
    /// is done to their partitions.
    void load() MSHV_EXCLUDES(mutex_);
    /// Goes on with these. After the reconciler has buried what a boot of the host ended.
    void go_on() MSHV_EXCLUDES(mutex_);
    /// Ends the threads; what they are at stays `running`, for the next daemon.
    void stop() MSHV_EXCLUDES(mutex_);

    api::JobView save(const Directory::EntryPtr& entry, const api::SaveRequest& request,
                      const std::string& actor, Deadline wait_busy) MSHV_EXCLUDES(mutex_);
    api::JobView dump(const Directory::EntryPtr& entry, const api::DumpRequest& request,
                      const std::string& actor, Deadline wait_busy) MSHV_EXCLUDES(mutex_);
    api::JobView restore(const api::RestoreRequest& request, const std::string& actor,
                         Deadline wait_busy) MSHV_EXCLUDES(mutex_);

    [[nodiscard]] api::JobList list() MSHV_EXCLUDES(mutex_);
    /// As it is when it has ended or `wait` has come. Throws not_found.
    [[nodiscard]] api::JobView get(std::int64_t id, Deadline wait) MSHV_EXCLUDES(mutex_);
    /// Throws wrong_state when it has ended or cannot be cancelled any more.
    api::JobView cancel(std::int64_t id) MSHV_EXCLUDES(mutex_);

private:
    struct Job {
        explicit Job(const store::JobRow& r) : row(r), line(r) {}
        store::JobRow row; ///< the thread's own, once it runs
        JobLine line;
        std::optional<OperationLocks::Guard> guard; ///< the thread's own, too
        std::jthread thread;
    };
    using JobPtr = std::shared_ptr<Job>; // shared by its thread and who asks for it

    JobPtr find(std::int64_t id) MSHV_EXCLUDES(mutex_);
    /// Begins the thread, which ends with the job, and lists it.
    template <typename Work>
    void begin(const JobPtr& job, Work work) MSHV_EXCLUDES(mutex_);
    OperationLocks::Guard hold(const Directory::EntryPtr& entry, domain::Verb verb,
                               store::JobRow& row, Deadline wait_busy);
    void refuse_too_many() MSHV_EXCLUDES(mutex_);
    store::JobRow new_row(api::JobKind kind, const std::string& path, const std::string& actor);
    void go_on_restore(Job& job);
    void forget_old() MSHV_REQUIRES(mutex_);

    Core& core_;
    Operations& operations_;
    Supervisor& supervisor_;
    posix::Mutex mutex_;
    bool stopped_ MSHV_GUARDED_BY(mutex_) = false;
    std::map<std::int64_t, JobPtr> jobs_ MSHV_GUARDED_BY(mutex_);
};

} // namespace mshv::control
