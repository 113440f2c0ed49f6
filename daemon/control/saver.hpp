// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/core.hpp"
#include "daemon/control/job_process.hpp"
#include "daemon/control/saved_file.hpp"
#include "daemon/control/supervisor.hpp"

#include <memory>
#include <optional>
#include <string>

namespace mshv::control {

/// Saves one partition, whose operation lock the caller holds. What is durable at each instant says
/// which of two ends it has when the daemon dies there: until the file has its name the guest goes
/// on and the file goes away; from then on the file stays and the guest ends (or goes on, when it
/// is a checkpoint). The VMM writes by itself, so a save goes on without the daemon.
class Saver {
public:
    Saver(Core& core, Supervisor& supervisor, JobLine& line)
        : core_(core), supervisor_(supervisor), line_(line), process_(core, line) {}

    /// What is known before anything is done: refuses what cannot be, early.
    static api::SaveManifest prepare(Core& core, const store::PartitionRow& row,
                                     const api::SaveRequest& request, const std::string& path);

    /// From the beginning to an end, which is in `job` and durable when it returns. Throws
    /// JobLine::Detached.
    void run(store::JobRow& job, const api::SaveManifest& manifest);
    /// What an earlier daemon had begun.
    void go_on(store::JobRow& job);

private:
    /// A step of the job failed or was cancelled.
    template <typename Steps>
    void guarded(store::JobRow& job, Steps steps);
    void write(store::JobRow& job, SavedImage& image);
    void watch_transfer(const store::JobRow& job);
    void complete(store::JobRow& job, SavedImage& image);
    void end_guest(store::JobRow& job);
    void after(store::JobRow& job);
    void undo(store::JobRow& job);
    void let_run(const store::JobRow& job, vmm::VmmProcess& process);
    void stop_transfer(vmm::VmmProcess& process);
    void end_job(store::JobRow& job);
    void adopt_file(store::JobRow& job);
    /// Its guest runs while its state is written.
    [[nodiscard]] bool is_live(const store::JobRow& job) const;
    Watch watch();

    Core& core_;
    Supervisor& supervisor_;
    JobLine& line_;
    JobProcess process_;
    bool decided_ = false; ///< the file stays, whatever else fails
};

/// What makes the machine that is in a saved file once more.
vmm::PlanRequest plan_request(const api::SaveManifest& manifest, api::PartitionNumber id,
                              const std::string& incarnation);

/// The folder of the files that the daemon keeps, and the one of a partition in it.
std::string managed_path(const Core& core, const api::Uuid& uuid);

/// The processor's features, where the guest uses it itself.
std::vector<std::string> cpu_flags(const Core& core, api::Accelerator accelerator);

} // namespace mshv::control
