// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/store/rows.hpp"
#include "toolstack/libs/api/spec.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace mshv::control {

using store::DeviceClass;

/// What can come to a run and leave it. The mechanism is Devices'; here is what sets the kinds
/// apart.
using LiveDevice = std::variant<api::Disk, api::Nic>;

DeviceClass class_of(const LiveDevice& device);
/// "disk", "interface"
std::string noun(DeviceClass device_class);
const std::string& alias_of(const LiveDevice& device);
/// What it is known by, in what runs and in the definition: a disk's target, an interface's MAC.
const std::string& name_of(const LiveDevice& device);
/// For events: the name and what is behind it.
std::string describe(const LiveDevice& device);

/// As it stands in a store::DeviceChange.
std::string encoded(const LiveDevice& device);
LiveDevice decoded(const store::DeviceChange& change);

std::vector<LiveDevice> devices_of(const api::PartitionSpec& spec, DeviceClass device_class);
/// The device of this name or alias.
std::optional<LiveDevice> find(const api::PartitionSpec& spec, DeviceClass device_class,
                               std::string_view text);
/// The device of either class with this alias.
std::optional<LiveDevice> find_alias(const api::PartitionSpec& spec, std::string_view alias);

/// What has the leases of a medium until it is in its drive, and those of the one before are given
/// back.
std::string lease_of_next_medium(const std::string& target);

/// `spec` after the change: with the device, without it, or with the device's cable or medium.
/// Kind::resize changes nothing.
void change(api::PartitionSpec& spec, const LiveDevice& device, store::DeviceChange::Kind kind);

} // namespace mshv::control
