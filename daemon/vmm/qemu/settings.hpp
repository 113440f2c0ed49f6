// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/vmm/qemu/makeup.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace mshv::vmm::qemu {

inline constexpr std::string_view balloon_alias = "balloon0";

/// What asks a balloon to leave the guest so many bytes.
std::string balloon_command(std::uint64_t target);
/// The target that each generation is given; empty = the guest keeps all of its memory.
std::optional<std::uint64_t> balloon_of(const MakeUp& now);
/// `now` with another target, or without one.
MakeUp with_balloon(const MakeUp& now, std::optional<std::uint64_t> target);

/// Makes of the plan for the definition that a guest was started with that for the settings which
/// it has had since.
void change_settings(domain::LaunchPlan& plan, const api::PartitionSpec& live);

} // namespace mshv::vmm::qemu
