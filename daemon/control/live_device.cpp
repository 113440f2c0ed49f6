// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/live_device.hpp"

#include "daemon/domain/same_device.hpp"
#include "toolstack/libs/api/codec.hpp"

#include <algorithm>

namespace mshv::control {
namespace {

using Kind = store::DeviceChange::Kind;

const std::string& name(const api::Disk& disk) {
    return disk.target;
}
const std::string& name(const api::Nic& nic) {
    return nic.mac;
}

std::string behind(const api::Disk& disk) {
    return disk.path;
}
std::string behind(const api::Nic& nic) {
    return nic.source == api::NicSource::bridge ? nic.bridge
                                                : std::string(api::to_name(nic.source));
}

std::vector<api::Disk>& all_like(const api::Disk&, api::PartitionSpec& spec) {
    return spec.devices.disks;
}
std::vector<api::Nic>& all_like(const api::Nic&, api::PartitionSpec& spec) {
    return spec.devices.nics;
}

void touch_cable(api::Disk&, const api::Disk&) {}
void touch_cable(api::Nic& nic, const api::Nic& wanted) {
    nic.link_up = wanted.link_up;
}

void touch_medium(api::Disk& disk, const api::Disk& wanted) {
    domain::take_medium(disk, wanted);
}
void touch_medium(api::Nic&, const api::Nic&) {}

} // namespace

DeviceClass class_of(const LiveDevice& device) {
    return std::holds_alternative<api::Disk>(device) ? DeviceClass::disk : DeviceClass::interface;
}

std::string noun(DeviceClass device_class) {
    return std::string(api::to_name(device_class));
}

const std::string& alias_of(const LiveDevice& device) {
    return std::visit([](const auto& each) -> const std::string& { return each.alias; }, device);
}

const std::string& name_of(const LiveDevice& device) {
    return std::visit([](const auto& each) -> const std::string& { return name(each); }, device);
}

std::string describe(const LiveDevice& device) {
    const std::string rest = std::visit([](const auto& each) { return behind(each); }, device);
    return name_of(device) + (rest.empty() ? "" : " " + rest);
}

std::string encoded(const LiveDevice& device) {
    return std::visit([](const auto& each) { return api::encode(each); }, device);
}

std::string lease_of_next_medium(const std::string& target) {
    return target + "+";
}

LiveDevice decoded(const store::DeviceChange& change) {
    api::DecodeOptions options;
    options.what = "stored device";
    if (change.device_class == DeviceClass::disk) {
        return api::decode<api::Disk>(change.what, options);
    }
    return api::decode<api::Nic>(change.what, options);
}

std::vector<LiveDevice> devices_of(const api::PartitionSpec& spec, DeviceClass device_class) {
    const auto& devices = spec.devices;
    return device_class == DeviceClass::disk
               ? std::vector<LiveDevice>(devices.disks.begin(), devices.disks.end())
               : std::vector<LiveDevice>(devices.nics.begin(), devices.nics.end());
}

std::optional<LiveDevice> find(const api::PartitionSpec& spec, DeviceClass device_class,
                               std::string_view text) {
    for (auto& device : devices_of(spec, device_class)) {
        if (name_of(device) == text || alias_of(device) == text) {
            return std::move(device);
        }
    }
    return std::nullopt;
}

std::optional<LiveDevice> find_alias(const api::PartitionSpec& spec, std::string_view alias) {
    for (const auto device_class : {DeviceClass::disk, DeviceClass::interface}) {
        for (auto& device : devices_of(spec, device_class)) {
            if (!alias.empty() && alias_of(device) == alias) {
                return std::move(device);
            }
        }
    }
    return std::nullopt;
}

void change(api::PartitionSpec& spec, const LiveDevice& device, Kind kind) {
    std::visit(
        [&](const auto& wanted) {
            auto& all = all_like(wanted, spec);
            const auto is_it = [&](const auto& each) { return name(each) == name(wanted); };
            if (kind == Kind::attach || kind == Kind::detach) {
                std::erase_if(all, is_it);
            }
            if (kind == Kind::attach) {
                all.push_back(wanted);
            }
            const auto found = std::find_if(all.begin(), all.end(), is_it);
            if (kind == Kind::link && found != all.end()) {
                touch_cable(*found, wanted);
            } else if (kind == Kind::medium && found != all.end()) {
                touch_medium(*found, wanted);
            }
        },
        device);
}

} // namespace mshv::control
