// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/devices.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"

#include <chrono>

// Cables of interfaces. A VMM does not tell whether one is plugged in: an intent that is found is
// carried out once more, which does no harm.

namespace mshv::control {

using api::Error;
using api::ErrorCode;
using Kind = store::DeviceChange::Kind;

api::PartitionView Devices::set_link(const Directory::EntryPtr& entry, const std::string& text,
                                     bool up, const Order& order) {
    const auto held = core_.hold(*entry, "network-link", order.actor, order.wait_busy);
    const auto& row = held.row;
    const Scope scope = scope_of(row, order.live, order.config);
    const auto definition = core_.definition(row).spec;
    auto device = device_of(scope.live ? core_.running_spec(row) : definition, row.name,
                            DeviceClass::interface, text);
    std::get<api::Nic>(device).link_up = up;
    if (!scope.live) {
        redefine(row, device, Kind::link, order.actor);
        return core_.view(row.uuid);
    }
    if (scope.config) {
        (void)device_of(definition, row.name, DeviceClass::interface, name_of(device));
    }
    refuse_moving(row, device);
    const auto deadline = Deadline::after(std::chrono::milliseconds(order.timeout_ms));
    const auto process = core_.process_of(row);
    (void)process->status(deadline); // can it be asked?
    const Change begun = change_of(row, Kind::link, device, scope.config, order.actor);
    begin(begun, {});
    settle_link(begun, *process, deadline);
    return core_.view(row.uuid);
}

void Devices::settle_link(const Change& open, vmm::VmmProcess& process, Deadline deadline) {
    const auto& alias = open.change.device;
    const bool up = std::get<api::Nic>(open.device).link_up;
    try {
        process.set_link(alias, up, deadline);
        MSHV_CRASHPOINT("control.after_link");
    } catch (const Error& error) {
        if (error.code() != ErrorCode::failed) {
            throw; // it was not heard: the intent stays
        }
        // What it refuses is not to be in later generations either.
        try {
            const auto before = find_alias(core_.running_spec(open.row), alias);
            process.set_link(alias, before ? std::get<api::Nic>(*before).link_up : !up,
                             core_.vmm_deadline());
        } catch (const Error& again) {
            if (again.code() != ErrorCode::failed) {
                throw;
            }
        }
        record(open, false);
        throw;
    }
    record(open, true);
}

} // namespace mshv::control
