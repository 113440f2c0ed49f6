// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/admission.hpp"
#include "daemon/control/core.hpp"
#include "daemon/control/job_line.hpp"
#include "daemon/control/saved_file.hpp"
#include "daemon/control/supervisor.hpp"
#include "toolstack/libs/api/comparison.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mshv::control {

/// The operations that make and end runs. Each effect stands between two transactions: the intent
/// before it and its result behind it; a throw between them undoes the first.
class Operations {
public:
    Operations(Core& core, Supervisor& supervisor, Admission& admission)
        : core_(core), supervisor_(supervisor), admission_(admission) {}

    api::PartitionView define(const api::CreateRequest& request, const std::string& actor,
                              Deadline wait_busy);
    /// A definition that takes the place of another.
    struct Rewrite {
        api::PartitionSpec spec;
        std::string xml;
        api::Cause cause = api::Cause::replaced;
        std::string detail{};
        std::optional<std::int64_t> revision{}; ///< refused when the current one is another
    };
    /// What a rewrite writes. `running`: what runs by then; null = what runs now. Throws invalid.
    struct Replacement {
        api::PartitionSpec spec;
        store::Definition definition;
        store::Over over;
    };
    Replacement replacement(const store::PartitionRow& row, const api::PartitionSpec& before,
                            const Rewrite& rewrite, const api::PartitionSpec* running = nullptr);
    /// One that says the same as the present makes no revision.
    api::PartitionView rewrite(const Directory::EntryPtr& old, const Rewrite& rewrite,
                               const std::string& actor, Deadline wait_busy);
    /// Tells the keeper what the present definition wants to happen when the guest ends. Throws
    /// when it did not take it; one that is not there yet is told when it is adopted.
    void tell_end_policy(const store::PartitionRow& row, const domain::EndPolicy& policy);
    /// CreateMode transient or persistent: insert and start, both or neither.
    api::PartitionView create(const api::CreateRequest& request, const std::string& actor,
                              Deadline wait_busy);

    struct StartOptions {
        bool paused = false;
        Deadline deadline;
        Deadline wait_busy;
        /// Set by autostart: recorded with the start, so that it happens once a boot.
        std::optional<std::string> autostart_boot{};
        /// Only when a restart still waits; else nothing happens.
        bool restart = false;
        bool force = false;         ///< from its saved state although disks have changed
        bool discard_saved = false; ///< boot although there is a saved state
        /// Stored as the definition with the start, both or neither.
        const Rewrite* rewrite = nullptr;
    };
    api::PartitionView start(const Directory::EntryPtr& entry, const StartOptions& options,
                             const std::string& actor);

    /// A restore that has been found possible and has begun nothing yet.
    struct Restore {
        SavedImage image;
        Directory::EntryPtr entry; ///< the partition that it was; null = there is none
        OperationLocks::Guard guard;
        std::string incarnation;
        api::RestoreRequest request;
        Deadline deadline;
    };
    /// Refuses what cannot be, early: the file, the VMM, the disks, the name.
    Restore prepare_restore(const api::RestoreRequest& request, const std::string& actor,
                            Deadline wait_busy);
    /// What prepare_restore() would refuse, all of it, without a lock.
    api::Comparison compare(const std::string& path);
    /// Throws what `line` wants, too.
    void restore(const Restore& restore, const std::string& actor, JobLine& line);
    /// Lets a partition run whose state has been loaded and recorded.
    void finish_restore(const api::Uuid& uuid);
    /// Forgets a saved state: the next start boots.
    api::PartitionView drop_saved(const Directory::EntryPtr& entry, const std::string& actor,
                                  Deadline wait_busy);

    api::PartitionView destroy(const Directory::EntryPtr& entry, const api::DestroyRequest& request,
                               const std::string& actor, Deadline wait_busy);
    /// Ends what an earlier daemon began to destroy, or what a shutdown's ladder gives up.
    void destroy_now(const api::Uuid& uuid, const std::string& actor);

    /// Undoes a start of which only the intent is left. The operation lock is free or the caller's.
    /// `again`: it was the restart policy's, which shall judge whether another one follows.
    void undo_start(const store::PartitionRow& row, api::Reason reason, const std::string& detail,
                    bool again = false);

    /// A restart that waits is not to be. False when none waits any more.
    bool cancel_restart(const store::PartitionRow& row, domain::Change change, api::Reason reason,
                        const std::string& actor, const std::string& detail);

private:
    struct Launch {
        api::PartitionSpec spec;
        std::string incarnation;
        bool paused = false;
        Deadline deadline;
        std::string actor;
        const SavedImage* saved = nullptr; ///< where the guest's state comes from; null = it boots
        bool managed = false;              ///< the file is used up by it
        JobLine* line = nullptr;           ///< with saved: that is told of it
        std::vector<domain::DiskClaim> disks{};
    };
    SavedImage open_managed(const store::PartitionRow& row, Launch& launch,
                            const StartOptions& options);
    void refuse_taken(const Directory::EntryPtr& entry, const api::PartitionSpec& spec);
    void load(const store::PartitionRow& row, const Launch& launch, vmm::VmmProcess& process,
              const OperationLocks::Guard& guard);
    /// Another partition in the place of the one that has the name.
    api::PartitionView recreate(const api::CreateRequest& request, const std::string& actor,
                                Deadline wait_busy);
    /// What the request would replace; null when that is nothing.
    Directory::EntryPtr replaced_by(const api::CreateRequest& request) const;
    void launch(const store::PartitionRow& row, const Launch& launch,
                const OperationLocks::Guard& guard);
    void resume(const store::PartitionRow& row, const Launch& launch, const LivePtr& live,
                vmm::VmmProcess& process);
    void record(const store::PartitionRow& row, const Launch& launch,
                const domain::LaunchPlan& plan, vmm::VmmProcess& process);
    void unwind(const store::PartitionRow& row, const Launch& launch, const LivePtr& live,
                vmm::VmmProcess* process, const std::string& why, bool cancelled) noexcept;
    OperationLocks::Guard preempt(const store::PartitionRow& row, const std::string& actor,
                                  Deadline deadline, bool& cancelled);
    void end_vmm(const store::PartitionRow& row, const LivePtr& live, std::uint64_t grace_ms,
                 Deadline deadline, const std::string& actor);
    bool grace(const store::PartitionRow& row, vmm::VmmProcess& process, std::uint64_t grace_ms,
               Deadline deadline);
    void run_destroy(const store::PartitionRow& row, const api::DestroyRequest& request,
                     const std::string& actor, Deadline deadline);

    Core& core_;
    Supervisor& supervisor_;
    Admission& admission_;
};

/// A guest that is restored may have interfaces that no definition has.
void claim_macs(store::Transaction& t, store::PartitionNumber id, const SavedImage* image);

/// A name for a run: 12 hex digits.
std::string random_incarnation();

} // namespace mshv::control
