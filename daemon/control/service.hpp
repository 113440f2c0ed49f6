// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/vmm/console_request.hpp"
#include "toolstack/libs/api/claims.hpp"
#include "toolstack/libs/api/comparison.hpp"
#include "toolstack/libs/api/device_requests.hpp"
#include "toolstack/libs/api/job.hpp"
#include "toolstack/libs/api/requests.hpp"
#include "toolstack/libs/api/settings_requests.hpp"
#include "toolstack/libs/api/view.hpp"
#include "toolstack/libs/posix/deadline.hpp"
#include "toolstack/libs/posix/fd.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mshv::control {

using posix::Deadline;

class GuestService;
class MachineService;
class SchedulingService;

/// Who asks: written into events, history and the holder of an operation.
struct Actor {
    std::string name; ///< "uid 0 pid 4711", "autostart", "restart policy"
};

/// All partitions at one look, for whoever counts them.
struct Snapshot {
    std::map<api::State, std::size_t> states; ///< every state, also those of none
    std::vector<api::PartitionView> live;     ///< that run or are worked on, in id order
    std::size_t unmanaged = 0; ///< that the hypervisor has and no VMM of this daemon's
    std::int64_t last_seq = 0; ///< of the last event
};

/// The use cases that daemon/rest offers. Thread-safe. Reads answer from memory and wait for
/// nothing; the others take the partition's operation lock and throw api::Error, busy naming its
/// holder. `wait_busy` until when a held lock is waited for (Deadline already expired = not at
/// all).
class PartitionService {
public:
    virtual ~PartitionService() = default;

    /// What is asked of guests.
    virtual GuestService& guests() = 0;
    /// What changes the machines under them.
    virtual MachineService& machine() = 0;
    /// Weights, caps and pools of processors.
    virtual SchedulingService& scheduling() = 0;

    // ---- reads ----
    /// `list` as JSON text: {"partitions":[…]}, rows in id order, rendered ahead of time.
    virtual std::string list_json(bool include_off) = 0;
    virtual Snapshot snapshot() = 0;
    virtual api::PartitionView get(const api::Selector& selector) = 0;
    /// As it is, or as it was at `revision`.
    virtual api::StoredDefinition definition(const api::Selector& selector,
                                             std::optional<std::int64_t> revision) = 0;
    virtual api::RevisionList revisions(const api::Selector& selector, std::size_t limit) = 0;
    /// What differs between two revisions; by default between that of the run and the current one,
    /// or, when nothing runs, between the last two.
    virtual api::ChangeList changes(const api::Selector& selector, std::optional<std::int64_t> from,
                                    std::optional<std::int64_t> to) = 0;
    /// What a definition would change. Throws invalid, and exists when name and UUID are of two.
    virtual api::Plan plan(const api::PlanRequest& request) = 0;
    /// How the VMM would be started. Unlike the others it may ask the VMM's program what it can do.
    virtual api::VmmArguments vmm_arguments(const api::Selector& selector) = 0;
    virtual api::VmmArguments vmm_arguments(const api::PartitionSpec& spec) = 0;
    virtual api::EventPage events(std::int64_t since, std::size_t limit,
                                  std::optional<api::Uuid> partition, Deadline wait) = 0;
    virtual std::vector<api::HistoryEntry> history(const std::optional<std::string>& name_or_uuid,
                                                   std::size_t limit) = 0;
    /// Returns the view once its state is one of `states` (or the partition is gone: not_found
    /// unless `states` holds shutoff, which a vanished transient satisfies); throws timeout.
    virtual api::PartitionView wait_state(const api::Selector& selector,
                                          const std::vector<api::State>& states,
                                          Deadline deadline) = 0;
    /// Of what runs and of the definition.
    virtual api::DiskList disks(const api::Selector& selector) = 0;
    virtual api::NicList nics(const api::Selector& selector) = 0;
    virtual std::vector<api::VcpuView> vcpus(const api::Selector& selector, Deadline deadline) = 0;
    /// Whom the host's memory is promised to.
    virtual api::ClaimList claims() = 0;
    /// What would keep this host from restoring a file, all of it, as it is now. It may ask the
    /// VMM's program what it can do.
    virtual api::Comparison compare(const api::CompareRequest& request) = 0;
    virtual api::JobList jobs() = 0;
    /// As it is when it has ended or `wait` has come.
    virtual api::JobView job(std::int64_t id, Deadline wait) = 0;
    /// The console's log files, oldest first, opened for reading.
    virtual std::vector<posix::Fd> console_log(const api::Selector& selector) = 0;

    // ---- changes ----
    virtual api::PartitionView create(const api::CreateRequest& request, const Actor& actor,
                                      Deadline wait_busy) = 0;
    /// Throws wrong_state when the definition is not at `revision`.
    virtual api::PartitionView undefine(const api::Selector& selector,
                                        std::optional<std::int64_t> revision, const Actor& actor,
                                        Deadline wait_busy) = 0;
    virtual api::PartitionView replace(const api::Selector& selector,
                                       const api::ReplaceRequest& request, const Actor& actor,
                                       Deadline wait_busy) = 0;
    virtual api::PartitionView rollback(const api::Selector& selector,
                                        const api::RollbackRequest& request, const Actor& actor,
                                        Deadline wait_busy) = 0;
    virtual api::PartitionView start(const api::Selector& selector,
                                     const api::StartRequest& request, const Actor& actor,
                                     Deadline wait_busy) = 0;
    virtual api::PartitionView shutdown(const api::Selector& selector,
                                        const api::ShutdownRequest& request, const Actor& actor,
                                        Deadline wait_busy) = 0;
    virtual api::PartitionView reboot(const api::Selector& selector,
                                      const api::ShutdownRequest& request, const Actor& actor,
                                      Deadline wait_busy) = 0;
    virtual api::PartitionView reset(const api::Selector& selector, const Actor& actor,
                                     Deadline wait_busy) = 0;
    virtual api::PartitionView destroy(const api::Selector& selector,
                                       const api::DestroyRequest& request, const Actor& actor,
                                       Deadline wait_busy) = 0;
    virtual api::PartitionView pause(const api::Selector& selector, const Actor& actor,
                                     Deadline wait_busy) = 0;
    virtual api::PartitionView unpause(const api::Selector& selector, const Actor& actor,
                                       Deadline wait_busy) = 0;
    virtual void trigger(const api::Selector& selector, const api::TriggerRequest& request,
                         const Actor& actor, Deadline wait_busy) = 0;
    virtual api::PartitionView rename(const api::Selector& selector,
                                      const api::RenameRequest& request, const Actor& actor,
                                      Deadline wait_busy) = 0;
    virtual api::PartitionView set_autostart(const api::Selector& selector,
                                             const api::AutostartRequest& request,
                                             const Actor& actor, Deadline wait_busy) = 0;
    /// Records what a shutdown of the host begins with it, or what became of it.
    virtual api::PartitionView note_host_shutdown(const api::Selector& selector,
                                                  const api::HostShutdownRequest& request,
                                                  const Actor& actor) = 0;
    /// These answer as the job begins.
    virtual api::JobView save(const api::Selector& selector, const api::SaveRequest& request,
                              const Actor& actor, Deadline wait_busy) = 0;
    virtual api::JobView dump(const api::Selector& selector, const api::DumpRequest& request,
                              const Actor& actor, Deadline wait_busy) = 0;
    virtual api::JobView restore(const api::RestoreRequest& request, const Actor& actor,
                                 Deadline wait_busy) = 0;
    virtual api::PartitionView drop_saved(const api::Selector& selector, const Actor& actor,
                                          Deadline wait_busy) = 0;
    virtual api::JobView cancel_job(std::int64_t id, const Actor& actor) = 0;
    /// The disk comes to what runs with its guest's knowledge, to the definition as a revision; see
    /// the requests. Throws exists naming who has the disk.
    virtual api::PartitionView attach_disk(const api::Selector& selector,
                                           const api::AttachDiskRequest& request,
                                           const Actor& actor, Deadline wait_busy) = 0;
    /// Throws timeout when the guest has not let go of it; it goes when the guest does.
    virtual api::PartitionView detach_disk(const api::Selector& selector,
                                           const api::DetachDiskRequest& request,
                                           const Actor& actor, Deadline wait_busy) = 0;
    /// The VMM grows the image and tells the guest.
    virtual api::PartitionView resize_disk(const api::Selector& selector,
                                           const api::ResizeDiskRequest& request,
                                           const Actor& actor, Deadline wait_busy) = 0;
    /// Changes the medium of a CD drive, of what runs with the tray's lock in mind.
    virtual api::PartitionView change_medium(const api::Selector& selector,
                                             const api::ChangeMediumRequest& request,
                                             const Actor& actor, Deadline wait_busy) = 0;
    /// What a disk's transfers are held to.
    virtual api::PartitionView set_disk_limits(const api::Selector& selector,
                                               const api::SetDiskLimitsRequest& request,
                                               const Actor& actor, Deadline wait_busy) = 0;
    /// What the balloon shall leave the guest, or all of its memory.
    virtual api::PartitionView set_memory(const api::Selector& selector,
                                          const api::SetMemoryRequest& request, const Actor& actor,
                                          Deadline wait_busy) = 0;
    /// On which processors of the host virtual processors may run.
    virtual api::PartitionView pin_vcpu(const api::Selector& selector,
                                        const api::PinVcpuRequest& request, const Actor& actor,
                                        Deadline wait_busy) = 0;
    virtual api::MemoryView memory(const api::Selector& selector, Deadline deadline) = 0;
    /// The same for interfaces; exists also names who has the address.
    virtual api::PartitionView attach_nic(const api::Selector& selector,
                                          const api::AttachNicRequest& request, const Actor& actor,
                                          Deadline wait_busy) = 0;
    virtual api::PartitionView detach_nic(const api::Selector& selector,
                                          const api::DetachNicRequest& request, const Actor& actor,
                                          Deadline wait_busy) = 0;
    /// Plugs an interface's cable in, or pulls it.
    virtual api::PartitionView set_link(const api::Selector& selector,
                                        const api::SetLinkRequest& request, const Actor& actor,
                                        Deadline wait_busy) = 0;
    virtual void attach_console(const api::Selector& selector, posix::Fd client,
                                const vmm::ConsoleRequest& request, const Actor& actor,
                                Deadline deadline) = 0;
};

} // namespace mshv::control
