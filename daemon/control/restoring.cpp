// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/live_device.hpp"
#include "daemon/control/operations.hpp"
#include "daemon/control/preparation.hpp"
#include "daemon/control/saver.hpp"
#include "daemon/domain/changes.hpp"
#include "daemon/vmm/disk_identity.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"

#include <algorithm>
#include <fcntl.h>
#include <iterator>
#include <unistd.h>

// Partitions whose state comes from a file.

namespace mshv::control {
namespace {

using api::Error;
using api::ErrorCode;
using std::chrono::milliseconds;
using store::IntentKind;
using vmm::Transfer;


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

/// The definition may have changed since, but not the machine. What the guest goes on with: the
/// definition, and its disks, interfaces and settings as they were at the end.
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

void Operations::refuse_saved(const SavedImage& image, api::PartitionNumber id, bool force) {
    if (!is_whole(image)) {
        throw Error(ErrorCode::invalid,
                    "Cannot restore " + image.path + ": its save was never finished");
    }
    if (!api::from_name<api::Accelerator>(image.manifest.accelerator)) {
        throw Error(ErrorCode::invalid, "The manifest of " + image.path + " names no accelerator");
    }
    auto request = plan_request(image.manifest, id, random_incarnation());
    request.saved_by = image.manifest.vmm;
    std::optional<domain::LaunchPlan> plan;
    try {
        plan = core_.vmm.plan(request);
    } catch (const Error& error) {
        refuse(image.path, error.message(), error.hint());
    }
    refuse_other_hardware(image, *plan);
    refuse_other_cpu(core_, image, plan->accelerator);
    for (const auto& file : image.manifest.files) {
        const std::string why = force ? std::string() : changed_since(file);
        if (!why.empty()) {
            throw Error(ErrorCode::wrong_state, why,
                        "boot it, or --force if you know that the state still fits");
        }
    }
}

SavedImage Operations::open_managed(const store::PartitionRow& row, Launch& launch,
                                    const StartOptions& options) {
    try {
        SavedImage image = open_saved(row.saved);
        take_definition(image, launch.spec);
        refuse_saved(image, row.id, options.force);
        launch.spec = image.manifest.spec;
        check_stream(image, [&](std::uint64_t, std::uint64_t) {
            if (options.deadline.expired()) {
                throw Error(ErrorCode::timeout,
                            "The saved state of '" + row.name +
                                "' could not be checked in the time allowed",
                            "give a longer --timeout");
            }
        });
        return image;
    } catch (const Error& error) {
        Error told(error.code(), error.message(),
                   error.hint() + (error.hint().empty() ? "" : "; or ") +
                       "mshvctl start --discard-saved boots it");
        throw told;
    }
}

void claim_macs(store::Transaction& t, store::PartitionNumber id, const SavedImage* image) {
    if (image == nullptr || !image->manifest.started) {
        return;
    }
    for (const auto& nic : image->manifest.spec.devices.nics) {
        t.claim_mac(id, nic.mac);
    }
}

Operations::Restore Operations::prepare_restore(const api::RestoreRequest& request,
                                                const std::string& actor, Deadline wait_busy) {
    if (request.path.empty() || request.path.front() != '/') {
        throw Error(ErrorCode::invalid, "'" + request.path + "' is no absolute path of a file");
    }
    SavedImage image = open_saved(request.path);
    const auto& spec = image.manifest.spec;
    if (!spec.uuid) {
        throw Error(ErrorCode::invalid, "The manifest of " + image.path + " has no UUID");
    }
    const std::string incarnation = random_incarnation();
    auto guard = core_.locks.acquire(*spec.uuid, spec.name,
                                     api::OperationView{"restore", actor, core_.clock.wall_ms()},
                                     wait_busy, incarnation);
    const auto entry = core_.directory.find(*spec.uuid);
    if (entry) {
        require(domain::Verb::start, entry->row);
        if (!entry->row.saved.empty()) {
            throw Error(ErrorCode::wrong_state,
                        "Partition '" + entry->row.name + "' has a saved state of its own",
                        "start it, or forget that by mshvctl managed-save-remove");
        }
        take_definition(image, core_.definition(entry->row).spec);
    } else if (const auto holder = core_.directory.find(spec.name)) {
        throw Error(ErrorCode::exists,
                    "Cannot restore " + image.path + ": the name '" + spec.name +
                        "' is in use by " + api::to_string(holder->row.uuid),
                    "rename or undefine that one");
    }
    const auto planned = plan_request(image.manifest, 0, incarnation);
    refuse_when_invalid(core_.vmm.objections(planned.spec), spec.name);
    refuse_saved(image, entry ? entry->row.id : 0, request.force);
    return {std::move(image), entry,   std::move(guard),
            incarnation,      request, Deadline::after(milliseconds(request.timeout_ms))};
}

void Operations::restore(const Restore& restore, const std::string& actor, JobLine& line) {
    const auto& request = restore.request;
    line.at(api::JobPhase::checking);
    check_stream(restore.image, [&](std::uint64_t done, std::uint64_t total) {
        line.progress(done, total);
        line.look();
    });
    Launch launch{restore.image.manifest.spec, restore.incarnation, request.paused,
                  restore.deadline, actor};
    launch.saved = &restore.image;
    launch.line = &line;
    launch.disks = vmm::disk_claims(launch.spec);
    MSHV_CRASHPOINT("restore.before_intent");
    const auto row = core_.store.write([&](store::Transaction& t) {
        const bool there = restore.entry != nullptr;
        const auto id = there ? restore.entry->row.id
                              : t.insert(make_definition(launch.spec, ""), false, actor).id;
        if (!t.change(id, domain::Change::start, api::Reason::user, actor, restore.image.path)) {
            throw Error(ErrorCode::wrong_state,
                        "Partition '" + launch.spec.name + "' changed meanwhile");
        }
        t.put_intent(id, core_.new_intent(there ? IntentKind::start : IntentKind::create, actor,
                                          restore.deadline, launch.incarnation));
        t.claim_disks(id, launch.disks);
        claim_macs(t, id, launch.saved);
        return t.find(id).value();
    });
    this->launch(row, launch, restore.guard);
}

/// Returns when the VMM has all of the state; its VPs stand still.
void Operations::load(const store::PartitionRow& row, const Launch& launch,
                      vmm::VmmProcess& process, const OperationLocks::Guard& guard) {
    const SavedImage& image = *launch.saved;
    JobLine& line = *launch.line;
    line.at(api::JobPhase::loading);
    process.load_from(image.fd, static_cast<std::int64_t>(image.offset), launch.deadline);
    MSHV_CRASHPOINT("restore.after_load_begin");
    for (;;) {
        const Transfer transfer = process.transfer(core_.vmm_deadline());
        if (transfer.state == Transfer::State::completed) {
            break;
        }
        if (transfer.state == Transfer::State::failed ||
            transfer.state == Transfer::State::cancelled) {
            throw Error(ErrorCode::failed,
                        "The VMM could not load the state of '" + row.name + "': " + transfer.why);
        }
        if (guard.cancelled()) {
            throw Error(ErrorCode::failed,
                        "The restore of '" + row.name + "' was given up: it is destroyed");
        }
        if (launch.deadline.expired()) {
            throw Error(ErrorCode::timeout,
                        "The state of '" + row.name + "' was not loaded in the time allowed",
                        "give a longer --timeout");
        }
        // The VMM reads by the same open file: where that stands is how far it is.
        const off_t at = ::lseek(image.fd.get(), 0, SEEK_CUR);
        if (at > static_cast<off_t>(image.offset)) {
            line.progress(static_cast<std::uint64_t>(at) - image.offset,
                          image.manifest.stream_size);
        }
        line.look_after(look_interval);
    }
    line.commit();
    MSHV_CRASHPOINT("restore.after_load");
}

void Operations::finish_restore(const api::Uuid& uuid) {
    const auto entry = core_.directory.find(uuid);
    const LivePtr live = core_.lives.find(uuid);
    const auto process = live ? live->get_process() : nullptr;
    if (!entry || !process || !entry->row.intent ||
        entry->row.intent->kind != IntentKind::restore) {
        return;
    }
    const auto& row = entry->row;
    {
        posix::Lock lock(live->mutex);
        live->asked_by = row.intent->actor;
    }
    const Deadline deadline = core_.vmm_deadline();
    MSHV_CRASHPOINT("restore.before_resume");
    const std::int64_t told = process->resume(deadline);
    MSHV_CRASHPOINT("restore.after_resume");
    core_.store.write([&](store::Transaction& t) {
        const auto now = t.find(row.id);
        if (now && now->intent == row.intent) {
            t.drop_intent(row.id);
        }
    });
    if (row.saved.empty()) {
        ::unlink(managed_path(core_, uuid).c_str()); // it was that, or there is none
    }
    core_.await_recorded(uuid, live->incarnation, told, deadline);
    if (core_.settings_due) {
        core_.settings_due(uuid);
    }
}

api::PartitionView Operations::drop_saved(const Directory::EntryPtr& entry,
                                          const std::string& actor, Deadline wait_busy) {
    const auto guard = core_.lock(entry->row, "managed-save-remove", actor, wait_busy);
    const auto now = core_.directory.find(entry->row.uuid);
    if (!now) {
        throw Error(ErrorCode::not_found, "Partition '" + entry->row.name + "' is gone");
    }
    require(domain::Verb::drop_saved, now->row);
    if (now->row.saved.empty()) {
        throw Error(ErrorCode::wrong_state, "Partition '" + now->row.name + "' has no saved state");
    }
    MSHV_CRASHPOINT("restore.before_drop_saved");
    core_.store.write(
        [&](store::Transaction& t) { t.set_saved(now->row.id, "", actor, "removed"); });
    MSHV_CRASHPOINT("restore.after_drop_saved");
    ::unlink(now->row.saved.c_str());
    return core_.view(now->row.uuid);
}

} // namespace mshv::control
