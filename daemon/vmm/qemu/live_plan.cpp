// SPDX-License-Identifier: Apache-2.0
#include "daemon/domain/same_device.hpp"
#include "daemon/domain/tap_name.hpp"
#include "daemon/vmm/qemu/makeup.hpp"

#include <algorithm>
#include <utility>

// The plan for a guest whose devices have come and gone since its start.

namespace mshv::vmm::qemu {
namespace {

/// The numbers that a VMM of this plan has its descriptors by.
std::vector<int> targets_of(const domain::LaunchPlan& plan) {
    std::vector<int> targets{plan.monitor_target};
    if (plan.agent_target) {
        targets.push_back(*plan.agent_target);
    }
    for (const auto& file : plan.files) {
        targets.push_back(file.target);
    }
    for (const auto& tap : plan.taps) {
        targets.push_back(tap.target);
    }
    return targets;
}

Addition added(const MakeUp& now, const PlanInput& input, const api::Disk& disk,
               const std::string& bus) {
    return add_disk(now, input.spec, disk, bus);
}
Addition added(const MakeUp& now, const PlanInput& input, const api::Nic& nic,
               const std::string& bus) {
    auto named = nic;
    named.target = domain::tap_name(input.id, nic);
    return add_nic(now, input.spec, named, bus);
}

template <typename Device>
void take_away(MakeUp& now, const std::vector<Device>& started, const std::vector<Device>& wanted) {
    for (const auto& device : started) {
        const bool stays = std::any_of(wanted.begin(), wanted.end(), [&](const Device& each) {
            return domain::is_same(each, device);
        });
        now = stays ? now : without_device(now, device.alias);
    }
}

template <typename Device>
void put_in(MakeUp& now, domain::LaunchPlan& plan, const PlanInput& input,
            const std::vector<Device>& started, const std::vector<Device>& wanted,
            const std::map<std::string, std::string>& buses) {
    for (const auto& device : wanted) {
        if (std::any_of(started.begin(), started.end(),
                        [&](const Device& each) { return domain::is_same(each, device); })) {
            continue;
        }
        const auto place = buses.find(device.alias);
        if (place == buses.end()) {
            throw api::Error(api::ErrorCode::invalid,
                             "It is not known where the device " + device.alias + " stood");
        }
        const auto addition = added(now, input, device, place->second);
        now = with_addition(now, addition);
        for (const auto& each : addition.files) {
            plan.files.push_back(each.file);
        }
        for (const auto& each : addition.taps) {
            plan.taps.push_back(each.tap);
        }
    }
}

/// The drives that were there all the time and have another medium than at the start.
std::vector<api::Disk> other_media(const api::PartitionSpec& started,
                                   const api::PartitionSpec& live) {
    std::vector<api::Disk> drives;
    for (const auto& drive : live.devices.disks) {
        for (const auto& before : started.devices.disks) {
            if (domain::is_same(before, drive) && !domain::has_same_medium(before, drive)) {
                drives.push_back(drive);
            }
        }
    }
    return drives;
}

void load(MakeUp& now, domain::LaunchPlan& plan, const PlanInput& input,
          const std::vector<api::Disk>& drives) {
    for (const auto& drive : drives) {
        if (drive.path.empty()) {
            continue;
        }
        const auto medium = make_medium(now, input.spec, drive);
        now = with_medium(with_addition(now, medium.addition), drive.alias, medium.node);
        for (const auto& each : medium.addition.files) {
            plan.files.push_back(each.file);
        }
    }
}

/// Cables are as they were at the end, also of the NICs that were there all the time.
void plug_in(MakeUp& now, domain::LaunchPlan& plan, const PlanInput& input,
             const api::Devices& live) {
    for (const auto& nic : live.nics) {
        if (const auto backend = backend_of(now, nic.alias); !backend.empty()) {
            now = with_link(now, backend, nic.link_up);
        }
        for (auto& tap : plan.taps) {
            tap.link_up = tap.name == domain::tap_name(input.id, nic) ? nic.link_up : tap.link_up;
        }
    }
}

} // namespace

void change_devices(domain::LaunchPlan& plan, const PlanInput& input,
                    const api::PartitionSpec& live,
                    const std::map<std::string, std::string>& buses) {
    MakeUp now{plan.argv, plan.setup, targets_of(plan), 1, 1};
    const auto& started = input.spec.devices;
    const auto& wanted = live.devices;
    take_away(now, started.disks, wanted.disks);
    take_away(now, started.nics, wanted.nics);
    const auto drives = other_media(input.spec, live);
    for (const auto& drive : drives) {
        now = with_medium(now, drive.alias, {});
    }
    const auto is_gone = [&](const auto& planned) {
        return std::find(now.targets.begin(), now.targets.end(), planned.target) ==
               now.targets.end();
    };
    std::erase_if(plan.files, is_gone);
    std::erase_if(plan.taps, is_gone);
    put_in(now, plan, input, started.disks, wanted.disks, buses);
    put_in(now, plan, input, started.nics, wanted.nics, buses);
    load(now, plan, input, drives);
    plug_in(now, plan, input, wanted);
    plan.argv = std::move(now.argv);
    plan.setup = std::move(now.setup);
    // Options in front of them have gone; they stand in the order in which they were added.
    auto at = plan.argv.begin();
    for (auto& path : plan.readable_paths) {
        at = std::find(at, plan.argv.end(), path.path);
        path.argument = static_cast<std::size_t>(at - plan.argv.begin());
        at += at == plan.argv.end() ? 0 : 1;
    }
}

} // namespace mshv::vmm::qemu
