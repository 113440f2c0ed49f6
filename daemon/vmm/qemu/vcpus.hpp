// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/vmm/qemu/makeup.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mshv::vmm::qemu {

/// A place for a virtual processor, by the machine's own words.
struct CpuSlot {
    std::string type; ///< what device_add makes there
    std::vector<std::pair<std::string, std::uint64_t>> place;
    std::string path; ///< of the processor that is there; empty = none is
};

/// The reply to query-hotpluggable-cpus, in the order of the processors' numbers. Throws api::Error
/// with the VMM's own text.
std::vector<CpuSlot> parse_cpu_slots(std::string_view line);
bool in_order(const std::vector<CpuSlot>& slots);
unsigned present_in(const std::vector<CpuSlot>& slots);

/// What makes processor `index` in its slot.
std::string plug_command(const CpuSlot& slot, unsigned index);
/// By what device_del and DEVICE_DELETED know the processor: its id, or the path of one that the
/// VMM began with.
std::string unplug_name(const CpuSlot& slot);
/// True for a name of that kind.
bool is_vcpu_name(std::string_view name);

/// How many processors a generation begins with; 0 when the command does not say.
unsigned vcpus_of(const std::vector<std::string>& argv);
/// `argv` with so many.
std::vector<std::string> with_vcpus(std::vector<std::string> argv, unsigned count);

} // namespace mshv::vmm::qemu
