// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/core.hpp"
#include "daemon/control/operations.hpp"
#include "toolstack/libs/api/device_requests.hpp"

#include <string>

namespace mshv::control {

/// Devices that come to a partition and leave it. What runs is changed with the guest's knowledge:
/// the intent is recorded, then the VMM is told, then what the VMM says is true is recorded;
/// whoever finds the intent, this daemon or the next, asks the VMM again.
class Devices {
public:
    Devices(Core& core, Operations& operations) : core_(core), operations_(operations) {}

    api::PartitionView attach(const Directory::EntryPtr& entry,
                              const api::AttachDiskRequest& request, const std::string& actor,
                              Deadline wait_busy);
    api::PartitionView detach(const Directory::EntryPtr& entry,
                              const api::DetachDiskRequest& request, const std::string& actor,
                              Deadline wait_busy);
    /// Grows a disk of what runs, or makes it smaller where that is said.
    api::PartitionView resize(const Directory::EntryPtr& entry,
                              const api::ResizeDiskRequest& request, const std::string& actor,
                              Deadline wait_busy);
    /// From the database alone.
    [[nodiscard]] api::DiskList disks(const store::PartitionRow& row);

    /// Records what has come of devices on their way; nothing happens when there are none. Also for
    /// a device (alias) that went although nobody asked any more.
    void settle(const api::Uuid& uuid, const std::string& gone = {}) noexcept;

private:
    using State = vmm::VmmProcess::DeviceState;
    struct Scope {
        bool live = false, config = false;
    };
    struct Change {
        store::PartitionRow row;
        store::DeviceChange change;
        api::Disk disk;
    };
    static Scope scope_of(const store::PartitionRow& row, bool live, bool config);
    /// The disk with this target or alias; throws not_found.
    static const api::Disk& disk_of(const api::PartitionSpec& spec, const std::string& name,
                                    const std::string& target);
    api::Disk named(const store::PartitionRow& row, const api::Disk& disk, Scope scope);
    void attach_live(const store::PartitionRow& row, const api::Disk& disk, bool config,
                     const std::string& actor, Deadline deadline);
    void detach_live(const store::PartitionRow& row, const api::Disk& disk, bool config,
                     const std::string& actor, Deadline deadline);
    void begin(const Change& begun, const std::vector<domain::DiskClaim>& claims);
    /// Asks the VMM and records its answer.
    State settle(const Change& open, vmm::VmmProcess& process, Deadline deadline);
    void record(const Change& done, State state);
    /// The same for a disk's size: what the VMM says it is.
    std::uint64_t settle_size(const Change& open, vmm::VmmProcess& process, Deadline deadline);
    /// The definition with the disk, or without it; `running` = what will run then, if it changes,
    /// too.
    Operations::Replacement replacement(const store::PartitionRow& row, const api::Disk& disk,
                                        store::DeviceChange::Kind kind,
                                        const api::PartitionSpec* running);
    void redefine(const store::PartitionRow& row, const api::Disk& disk,
                  store::DeviceChange::Kind kind, const std::string& actor);

    Core& core_;
    Operations& operations_;
};

} // namespace mshv::control
