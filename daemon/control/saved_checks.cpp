// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/saved_checks.hpp"

#include "daemon/control/live_device.hpp"
#include "daemon/control/operations.hpp"
#include "daemon/control/saver.hpp"
#include "daemon/domain/changes.hpp"

#include <algorithm>
#include <iterator>
#include <optional>

namespace mshv::control {
namespace {

using api::Error;
using api::ErrorCode;

[[noreturn]] void refuse(const std::string& path, const std::string& why, const std::string& hint) {
    throw Error(ErrorCode::unsupported, "Cannot restore " + path + ": " + why, hint);
}

[[noreturn]] void refuse_changed(const SavedImage& image, const std::string& name,
                                 const std::string& what) {
    throw Error(ErrorCode::wrong_state,
                "Cannot restore " + image.path + ": the definition of '" + name +
                    "' has changed since at " + what,
                "roll it back by mshvctl config rollback, or boot it");
}

/// A device without what the machine does not have of it.
std::optional<LiveDevice> bare(std::optional<LiveDevice> device) {
    if (auto* disk = device ? std::get_if<api::Disk>(&*device) : nullptr) {
        disk->iotune.reset();
    } else if (auto* nic = device ? std::get_if<api::Nic>(&*device) : nullptr) {
        nic->inbound.reset();
        nic->outbound.reset();
    }
    return device;
}

/// Where devices came and went, the definition has each as it was at the start or at the end.
void refuse_other_devices(const SavedImage& image, const api::PartitionSpec& spec,
                          DeviceClass device_class) {
    const auto& before = *image.manifest.started;
    const auto& after = image.manifest.spec;
    for (const auto* each : {&spec, &before, &after}) {
        for (const auto& device : devices_of(*each, device_class)) {
            const auto& name = name_of(device);
            const auto defined = bare(find(spec, device_class, name));
            if (defined != bare(find(before, device_class, name)) &&
                defined != bare(find(after, device_class, name))) {
                refuse_changed(image, spec.name, "the " + noun(device_class) + " " + name);
            }
        }
    }
}

/// What is no part of the machine, and may be set anew while it runs.
void take_settings(api::PartitionSpec& to, const api::PartitionSpec& from) {
    to.memory.current = from.memory.current;
    to.cpu.current = from.cpu.current;
    to.cpu.pins = from.cpu.pins;
    to.cpu.emulator_cpus = from.cpu.emulator_cpus;
    for (auto& disk : to.devices.disks) {
        for (const auto& then : from.devices.disks) {
            disk.iotune = then.target == disk.target ? then.iotune : disk.iotune;
        }
    }
    for (auto& nic : to.devices.nics) {
        for (const auto& then : from.devices.nics) {
            if (then.mac == nic.mac) {
                nic.inbound = then.inbound;
                nic.outbound = then.outbound;
            }
        }
    }
}

void refuse_other_hardware(const SavedImage& image, const domain::LaunchPlan& plan) {
    const auto now = vmm::guest_visible(plan);
    auto then = image.manifest.hardware;
    for (auto& option : then) {
        option = vmm::guest_visible(option);
    }
    const auto [a, b] = std::mismatch(then.begin(), then.end(), now.begin(), now.end());
    if (a != then.end() || b != now.end()) {
        refuse(image.path,
               "its machine had '" + (a == then.end() ? "nothing" : *a) +
                   "' where it would have '" + (b == now.end() ? "nothing" : *b) + "' now",
               "boot it instead");
    }
}

void refuse_other_cpu(const Core& core, const SavedImage& image, api::Accelerator accelerator) {
    const auto& then = image.manifest.cpu_flags;
    const auto now = cpu_flags(core, accelerator);
    std::vector<std::string> missing;
    std::set_difference(then.begin(), then.end(), now.begin(), now.end(),
                        std::back_inserter(missing));
    if (!missing.empty()) {
        refuse(
            image.path,
            "this host's processor lacks what the guest had: " + missing.front() +
                (missing.size() > 1 ? " and " + std::to_string(missing.size() - 1) + " more" : ""),
            "restore it on a host with the same processor");
    }
}

} // namespace

void take_definition(SavedImage& image, const api::PartitionSpec& current) {
    auto& manifest = image.manifest;
    api::PartitionSpec next = current;
    take_settings(next, manifest.spec);
    if (!manifest.started && next != current) {
        manifest.started = manifest.spec; // they are no longer the definition's
    }
    if (manifest.started) {
        refuse_other_devices(image, current, DeviceClass::disk);
        refuse_other_devices(image, current, DeviceClass::interface);
        next.devices.disks = manifest.spec.devices.disks;
        next.devices.nics = manifest.spec.devices.nics;
    }
    for (const auto& change : domain::changes(manifest.spec, next)) {
        if (change.takes != api::Takes::live) {
            refuse_changed(image, current.name,
                           change.path + " (" + change.before + " then, " + change.after + " now)");
        }
    }
    manifest.spec = next;
    if (manifest.started) {
        const auto then = *manifest.started;
        manifest.started = current;
        manifest.started->devices.disks = then.devices.disks;
        manifest.started->devices.nics = then.devices.nics;
        take_settings(*manifest.started, then);
    }
}

void refuse_unusable(const SavedImage& image) {
    if (!is_whole(image)) {
        throw Error(ErrorCode::invalid,
                    "Cannot restore " + image.path + ": its save was never finished");
    }
    if (!api::from_name<api::Accelerator>(image.manifest.accelerator)) {
        throw Error(ErrorCode::invalid, "The manifest of " + image.path + " names no accelerator");
    }
    if (!image.manifest.spec.uuid) {
        throw Error(ErrorCode::invalid, "The manifest of " + image.path + " has no UUID");
    }
}

void check_place(Core& core, SavedImage& image, const Directory::EntryPtr& entry,
                 const Checker& run) {
    if (!entry) {
        run([&] {
            const auto& name = image.manifest.spec.name;
            if (const auto holder = core.directory.find(name)) {
                throw Error(ErrorCode::exists,
                            "Cannot restore " + image.path + ": the name '" + name +
                                "' is in use by " + api::to_string(holder->row.uuid),
                            "rename or undefine that one");
            }
        });
        return;
    }
    run([&] { require(domain::Verb::start, entry->row); });
    run([&] {
        if (!entry->row.saved.empty()) {
            throw Error(ErrorCode::wrong_state,
                        "Partition '" + entry->row.name + "' has a saved state of its own",
                        "start it, or forget that by mshvctl managed-save-remove");
        }
    });
    run([&] { take_definition(image, core.definition(entry->row).spec); });
}

void check_saved(Core& core, const SavedImage& image, api::PartitionNumber id, bool force,
                 const Checker& run) {
    auto request = plan_request(image.manifest, id, random_incarnation());
    request.saved_by = image.manifest.vmm;
    std::optional<domain::LaunchPlan> plan;
    run([&] {
        try {
            plan = core.vmm.plan(request);
        } catch (const Error& error) {
            refuse(image.path, error.message(), error.hint());
        }
    });
    if (plan) {
        run([&] { refuse_other_hardware(image, *plan); });
        run([&] { refuse_other_cpu(core, image, plan->accelerator); });
    }
    for (const auto& file : image.manifest.files) {
        run([&] {
            const std::string why = force ? std::string() : changed_since(file);
            if (!why.empty()) {
                throw Error(ErrorCode::wrong_state, why,
                            "boot it, or --force if you know that the state still fits");
            }
        });
    }
}

} // namespace mshv::control
