// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/devices.hpp"
#include "daemon/control/process_figures.hpp"
#include "daemon/domain/tap_name.hpp"

#include <algorithm>

// The devices of what runs and of the definition, as they are recorded: no VMM is asked.

namespace mshv::control {

using Kind = store::DeviceChange::Kind;

std::vector<Devices::Listed> Devices::listed(const store::PartitionRow& row,
                                             DeviceClass device_class) {
    std::vector<Listed> list;
    const auto definition = core_.definition(row).spec;
    const auto add = [&](const LiveDevice& device, api::DeviceState state) {
        list.push_back(
            {device, state, find(definition, device_class, name_of(device)).has_value()});
    };
    if (row.runtime) {
        const auto changes = core_.store.device_changes(row.id);
        for (const auto& device : devices_of(core_.running_spec(row), device_class)) {
            const bool leaves = std::any_of(changes.begin(), changes.end(), [&](const auto& each) {
                return each.kind == Kind::detach && each.device == alias_of(device);
            });
            add(device, leaves ? api::DeviceState::detaching : api::DeviceState::present);
        }
        for (const auto& each : changes) {
            if (each.kind == Kind::attach && each.device_class == device_class) {
                add(decoded(each), api::DeviceState::attaching);
            }
        }
    }
    for (const auto& device : devices_of(definition, device_class)) {
        const bool there = std::any_of(list.begin(), list.end(), [&](const Listed& each) {
            return name_of(each.device) == name_of(device);
        });
        if (!there) {
            add(device, api::DeviceState::defined);
        }
    }
    return list;
}

api::DiskList Devices::disks(const store::PartitionRow& row) {
    api::DiskList list;
    for (const auto& each : listed(row, DeviceClass::disk)) {
        list.disks.push_back({std::get<api::Disk>(each.device), each.state, each.config});
    }
    return list;
}

api::NicList Devices::nics(const store::PartitionRow& row) {
    api::NicList list;
    for (const auto& each : listed(row, DeviceClass::interface)) {
        api::NicView view{std::get<api::Nic>(each.device), each.state, each.config, {}, {}, {}};
        const bool runs =
            each.state == api::DeviceState::present || each.state == api::DeviceState::detaching;
        if (runs && view.interface.source == api::NicSource::bridge) {
            view.tap = domain::tap_name(row.id, view.interface);
            if (const auto traffic = traffic_of(core_.options.sys + "/class/net", {view.tap})) {
                view.received = traffic->in;
                view.sent = traffic->out;
            }
        }
        list.interfaces.push_back(std::move(view));
    }
    return list;
}

} // namespace mshv::control
