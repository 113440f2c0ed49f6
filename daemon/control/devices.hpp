// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/core.hpp"
#include "daemon/control/live_device.hpp"
#include "daemon/control/operations.hpp"
#include "daemon/control/scope.hpp"
#include "toolstack/libs/api/device_requests.hpp"

#include <string>

namespace mshv::control {

/// Disks and interfaces that come to a partition and leave it. What runs is changed with the
/// guest's knowledge: the intent is recorded, then the VMM is told, then what the VMM says is true
/// is recorded; whoever finds the intent, this daemon or the next, asks the VMM again.
class Devices {
public:
    Devices(Core& core, Operations& operations) : core_(core), operations_(operations) {}

    /// Who asks for a change, of what, and for how long.
    struct Order {
        bool live = false, config = false;
        std::uint64_t timeout_ms = 0;
        std::string actor;
        Deadline wait_busy;
    };
    api::PartitionView attach(const Directory::EntryPtr& entry, const LiveDevice& device,
                              const Order& order);
    /// `text`: the device's name or alias.
    api::PartitionView detach(const Directory::EntryPtr& entry, DeviceClass device_class,
                              const std::string& text, const Order& order);
    /// Grows a disk of what runs, or makes it smaller where that is said.
    api::PartitionView resize(const Directory::EntryPtr& entry,
                              const api::ResizeDiskRequest& request, const std::string& actor,
                              Deadline wait_busy);
    /// Gives a CD drive another medium, or takes the one that it has.
    api::PartitionView change_medium(const Directory::EntryPtr& entry,
                                     const api::ChangeMediumRequest& request,
                                     const std::string& actor, Deadline wait_busy);
    /// Plugs the cable of an interface in, or pulls it.
    api::PartitionView set_link(const Directory::EntryPtr& entry, const std::string& text, bool up,
                                const Order& order);
    /// From the database alone.
    [[nodiscard]] api::DiskList disks(const store::PartitionRow& row);
    /// The same, and what the host's kernel counts of taps.
    [[nodiscard]] api::NicList nics(const store::PartitionRow& row);

    /// Records what has come of devices on their way; nothing happens when there are none. Also for
    /// a device (alias) that went although nobody asked any more.
    void settle(const api::Uuid& uuid, const std::string& gone = {}) noexcept;

private:
    using State = vmm::VmmProcess::DeviceState;
    struct Change {
        store::PartitionRow row;
        store::DeviceChange change;
        LiveDevice device;
    };
    struct Listed {
        LiveDevice device;
        api::DeviceState state = api::DeviceState::present;
        bool config = false;
    };
    /// The device of this name or alias; throws not_found.
    static LiveDevice device_of(const api::PartitionSpec& spec, const std::string& name,
                                DeviceClass device_class, const std::string& text);
    LiveDevice named(const store::PartitionRow& row, LiveDevice device, Scope scope);
    [[nodiscard]] Change change_of(const store::PartitionRow& row, store::DeviceChange::Kind kind,
                                   const LiveDevice& device, bool config,
                                   const std::string& actor) const;
    void attach_live(const store::PartitionRow& row, const LiveDevice& device, bool config,
                     const Order& order);
    void detach_live(const store::PartitionRow& row, const LiveDevice& device, bool config,
                     const Order& order);
    /// Throws busy when the device is on its way already.
    void refuse_moving(const store::PartitionRow& row, const LiveDevice& device);
    void begin(const Change& begun, const std::vector<domain::DiskClaim>& claims);
    /// Asks the VMM and records its answer.
    State settle(const Change& open, vmm::VmmProcess& process, Deadline deadline);
    void record(const Change& done, bool came_true);
    void settle_any(const Change& open);
    /// The same for a disk's size: what the VMM says it is.
    std::uint64_t settle_size(const Change& open, vmm::VmmProcess& process, Deadline deadline);
    /// And for a cable, which the VMM does not tell: it is made so, or as it was before.
    void settle_link(const Change& open, vmm::VmmProcess& process, Deadline deadline);
    void change_medium_live(const store::PartitionRow& row, const api::Disk& drive, bool config,
                            const api::ChangeMediumRequest& request, const std::string& actor);
    /// And for a medium: what the VMM says the drive reads. True when that is what was wanted.
    bool settle_medium(const Change& open, vmm::VmmProcess& process, Deadline deadline);
    /// The leases of a device after its change.
    static void release(store::Transaction& t, const Change& done, bool came_true);
    /// The definition after the change; `running` = what will run then, if it changes, too.
    Operations::Replacement replacement(const store::PartitionRow& row, const LiveDevice& device,
                                        store::DeviceChange::Kind kind,
                                        const api::PartitionSpec* running);
    void redefine(const store::PartitionRow& row, const LiveDevice& device,
                  store::DeviceChange::Kind kind, const std::string& actor);
    std::vector<Listed> listed(const store::PartitionRow& row, DeviceClass device_class);

    Core& core_;
    Operations& operations_;
};

} // namespace mshv::control
