// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/tuning.hpp"

#include <utility>

namespace mshv::control {

Operations::Replacement Tuning::replacement(const store::PartitionRow& row,
                                            const api::PartitionSpec& next,
                                            const api::PartitionSpec* running,
                                            const std::string& detail) {
    return operations_.replacement(row, core_.definition(row).spec,
                                   {next, {}, api::Cause::edited, detail}, running);
}

bool Tuning::is_settled(const store::PartitionRow& row, vmm::VmmProcess& process) {
    const auto spec = core_.running_spec(row);
    const auto memory = process.memory_target(core_.vmm_deadline());
    return (!memory.balloon || memory.bytes == spec.memory.target()) &&
           process.affinity(core_.vmm_deadline()) == vmm::affinity_text(spec.cpu) &&
           process.disk_limits(core_.vmm_deadline()) == vmm::limits_of(spec) &&
           has_vcpus(spec, process);
}

void Tuning::settle(const api::Uuid& uuid) noexcept {
    try {
        const auto entry = core_.directory.find(uuid);
        if (!entry || !entry->row.runtime) {
            return;
        }
        const auto process = core_.process_of(entry->row);
        // A first look without the lock: where all is well, and it nearly always is, nobody who
        // wants something of the partition is told that it is busy.
        if (core_.store.live_spec(entry->row.id) && !is_settled(entry->row, *process)) {
            const auto held = core_.hold(*entry, "settle settings", "mshvd", core_.vmm_deadline());
            if (held.row.runtime &&
                held.row.runtime->incarnation == entry->row.runtime->incarnation) {
                settle_memory(held.row, *process);
                settle_vcpus(held.row, *process);
                settle_pins(held.row, *process);
                settle_limits(held.row, *process);
            }
        }
        note_vcpus(entry->row);
        look(entry->row, *process);
    } catch (const std::exception& error) {
        core_.log(Severity::info, "settings of " + api::to_string(uuid) +
                                      " are looked at again later: " + error.what());
    }
}

} // namespace mshv::control
