// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/core.hpp"
#include "daemon/control/operations.hpp"
#include "daemon/control/scope.hpp"
#include "daemon/control/setting_record.hpp"
#include "daemon/vmm/vcpu_plug.hpp"
#include "toolstack/libs/api/device_requests.hpp"
#include "toolstack/libs/api/machine_requests.hpp"
#include "toolstack/libs/api/settings_requests.hpp"

#include <string>

namespace mshv::control {

/// Settings of what runs, with which no device comes or goes. What runs is recorded with a setting
/// before the VMM hears of it: whoever finds that the VMM has another one, this daemon or the next,
/// tells it again, and believes it when it refuses.
class Tuning {
public:
    Tuning(Core& core, Operations& operations) : core_(core), operations_(operations) {}

    /// The target of the balloon, or all of the memory. The guest takes its time to follow.
    api::PartitionView set_memory(const Directory::EntryPtr& entry,
                                  const api::SetMemoryRequest& request, const std::string& actor,
                                  Deadline wait_busy);
    /// On which processors of the host virtual processors may run.
    api::PartitionView pin_vcpu(const Directory::EntryPtr& entry,
                                const api::PinVcpuRequest& request, const std::string& actor,
                                Deadline wait_busy);
    /// How many virtual processors there are, or there can be.
    api::PartitionView set_vcpus(const Directory::EntryPtr& entry,
                                 const api::SetVcpusRequest& request, const std::string& actor,
                                 Deadline wait_busy);
    /// What a disk's transfers are held to.
    api::PartitionView set_disk_limits(const Directory::EntryPtr& entry,
                                       const api::SetDiskLimitsRequest& request,
                                       const std::string& actor, Deadline wait_busy);
    /// Asks the VMM where one runs.
    api::MemoryView memory(const store::PartitionRow& row, Deadline deadline);

    /// Brings a VMM to the settings that are recorded, and looks at what its guest has.
    void settle(const api::Uuid& uuid) noexcept;
    /// The guest let go of a processor when nobody waited for it.
    void vcpu_gone(const api::Uuid& uuid) noexcept;

private:
    api::PartitionView set_maximum(const store::PartitionRow& row,
                                   const api::SetMemoryRequest& request, const std::string& actor);
    void tell_memory(const store::PartitionRow& row, const api::PartitionSpec& before,
                     const api::PartitionSpec& next, vmm::VmmProcess& process, Deadline deadline);
    /// Records the target that the VMM has, which is not the one that it was to have.
    void believe(const store::PartitionRow& row, const vmm::MemoryTarget& has,
                 const std::string& why);
    void record(const store::PartitionRow& row, const Recorded& what, const std::string& actor) {
        record_setting(core_, row, what, actor);
    }
    Operations::Replacement replacement(const store::PartitionRow& row,
                                        const api::PartitionSpec& next,
                                        const api::PartitionSpec* running,
                                        const std::string& detail);
    void tell_pins(const store::PartitionRow& row, const api::PartitionSpec& next,
                   vmm::VmmProcess& process, Deadline deadline);
    void tell_limits(const store::PartitionRow& row, const api::PartitionSpec& next,
                     const api::Disk& disk, vmm::VmmProcess& process, Deadline deadline);
    api::PartitionView set_most_vcpus(const store::PartitionRow& row,
                                      const api::SetVcpusRequest& request,
                                      const std::string& actor);
    static vmm::VcpuPlug& plug_of(vmm::VmmProcess& process);
    void tell_vcpus(const store::PartitionRow& row, const api::PartitionSpec& next,
                    vmm::VmmProcess& process, Deadline deadline);
    bool came_to(const store::PartitionRow& row, const api::PartitionSpec& next,
                 vmm::VcpuPlug& plug, const api::Error& error);
    void believe_vcpus(const store::PartitionRow& row, unsigned present, const std::string& why);
    bool has_vcpus(const api::PartitionSpec& spec, vmm::VmmProcess& process);
    void settle_vcpus(const store::PartitionRow& row, vmm::VmmProcess& process);
    /// Tells whoever lists partitions.
    void note_vcpus(const store::PartitionRow& row);
    /// Whether the VMM has the settings that are recorded.
    bool is_settled(const store::PartitionRow& row, vmm::VmmProcess& process);
    void settle_pins(const store::PartitionRow& row, vmm::VmmProcess& process);
    void settle_limits(const store::PartitionRow& row, vmm::VmmProcess& process);
    void settle_memory(const store::PartitionRow& row, vmm::VmmProcess& process);
    void look(const store::PartitionRow& row, vmm::VmmProcess& process);
    /// Asks, and tells whoever lists partitions.
    std::uint64_t left_to(const store::PartitionRow& row, vmm::VmmProcess& process,
                          Deadline deadline);

    Core& core_;
    Operations& operations_;
};

} // namespace mshv::control
