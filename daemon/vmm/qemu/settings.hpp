// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/vmm/qemu/makeup.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mshv::vmm::qemu {

inline constexpr std::string_view balloon_alias = "balloon0";

/// What asks a balloon to leave the guest so many bytes.
std::string balloon_command(std::uint64_t target);
/// The target that each generation is given; empty = the guest keeps all of its memory.
std::optional<std::uint64_t> balloon_of(const MakeUp& now);
/// `now` with another target, or without one.
MakeUp with_balloon(const MakeUp& now, std::optional<std::uint64_t> target);

/// By which QEMU finds the blocks of a device: of a virtio one on PCI they are the device's inside.
std::string limited_id(std::string_view driver, const std::string& alias);
/// What holds the blocks of a device, by limited_id(), to limits or to none.
std::string limits_command(const std::string& id, const std::optional<api::IoTune>& tune);
/// By alias, the limits that each generation gives devices.
std::map<std::string, api::IoTune> limits_of(const MakeUp& now);
/// `now` with other limits of the device, or without any.
MakeUp with_limits(const MakeUp& now, const std::string& alias,
                   const std::optional<api::IoTune>& tune);
/// Takes a device's limits out of a setup.
void drop_limits(std::vector<std::string>& setup, std::string_view alias);

/// Where the threads of a VMM may run, as its keeper reads it: "0:0-3 1:7 emulator:2".
std::string affinity_of(const api::Cpu& cpu);
/// Throws api::Error for another text.
void read_affinity(std::string_view text, api::Cpu& cpu);

/// Makes of the plan for the definition that a guest was started with that for the settings which
/// it has had since.
void change_settings(domain::LaunchPlan& plan, const api::PartitionSpec& live);

} // namespace mshv::vmm::qemu
