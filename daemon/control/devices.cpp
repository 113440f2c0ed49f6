// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/devices.hpp"

#include "daemon/control/preparation.hpp"
#include "daemon/domain/canonicalise.hpp"
#include "daemon/domain/tap_name.hpp"
#include "daemon/domain/validate.hpp"
#include "daemon/vmm/disk_identity.hpp"
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"

#include <algorithm>
#include <cctype>
#include <chrono>

namespace mshv::control {
namespace {

using api::Error;
using api::ErrorCode;
using Kind = store::DeviceChange::Kind;
using std::chrono::milliseconds;

[[noreturn]] void not_there(const std::string& name, DeviceClass device_class,
                            const std::string& text) {
    throw Error(ErrorCode::not_found,
                "Partition '" + name + "' has no " + noun(device_class) + " '" + text + "'",
                device_class == DeviceClass::disk ? "mshvctl block-list shows those that it has"
                                                  : "mshvctl network-list shows those that it has");
}

std::string verb_of(DeviceClass device_class, std::string_view what) {
    return (device_class == DeviceClass::disk ? "block-" : "network-") + std::string(what);
}

/// What is told of a change: "partition.disk-attached".
std::string event_of(const LiveDevice& device, Kind kind, bool came_true) {
    std::string stem = "partition." + noun(class_of(device));
    switch (kind) {
    case Kind::medium: {
        const bool empty = std::get<api::Disk>(device).path.empty();
        return came_true ? (empty ? "partition.medium-ejected" : "partition.medium-inserted")
                         : (empty ? "partition.medium-kept" : "partition.medium-not-inserted");
    }
    case Kind::attach:
        return stem + (came_true ? "-attached" : "-not-attached");
    case Kind::detach:
        return stem + (came_true ? "-detached" : "-kept");
    case Kind::link:
        return stem + (came_true ? "-link" : "-link-kept");
    case Kind::resize:
        break;
    }
    return stem;
}

std::string link_word(const LiveDevice& device) {
    return std::get<api::Nic>(device).link_up ? "up" : "down";
}

/// What a revision says of the change that made it.
std::string detail_of(const LiveDevice& device, Kind kind) {
    const std::string what = noun(class_of(device)) + " " + name_of(device);
    if (kind == Kind::medium) {
        const auto& path = std::get<api::Disk>(device).path;
        return what + (path.empty() ? " without a medium" : " with " + path);
    }
    return kind == Kind::attach   ? "with " + what
           : kind == Kind::detach ? "without " + what
                                  : "link of " + what + " " + link_word(device);
}

std::vector<domain::DiskClaim> claims_of(const LiveDevice& device) {
    const auto* disk = std::get_if<api::Disk>(&device);
    return disk == nullptr ? std::vector<domain::DiskClaim>() : vmm::disk_claims(*disk);
}

void tell(vmm::VmmProcess& process, const store::PartitionRow& row,
          const api::PartitionSpec& running, const LiveDevice& device,
          const std::vector<domain::DiskClaim>& claims, Deadline deadline) {
    if (const auto* disk = std::get_if<api::Disk>(&device)) {
        process.attach_disk(running, *disk, claims, deadline);
        return;
    }
    auto nic = std::get<api::Nic>(device);
    nic.target = nic.source == api::NicSource::bridge ? domain::tap_name(row.id, nic) : "";
    process.attach_nic(running, nic, deadline);
}

} // namespace

LiveDevice Devices::device_of(const api::PartitionSpec& spec, const std::string& name,
                              DeviceClass device_class, const std::string& text) {
    auto device = find(spec, device_class, text);
    if (!device) {
        not_there(name, device_class, text);
    }
    return std::move(*device);
}

/// The device with a name and an alias that are free wherever it is to be.
LiveDevice Devices::named(const store::PartitionRow& row, LiveDevice device, Scope scope) {
    const auto device_class = class_of(device);
    const bool nic = device_class == DeviceClass::interface;
    if (nic) {
        auto& mac = std::get<api::Nic>(device).mac;
        std::transform(mac.begin(), mac.end(), mac.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    }
    const api::PartitionSpec definition = core_.definition(row).spec;
    api::PartitionSpec all = definition;
    // An interface has its address for ever, a disk of the definition may be called as another that
    // runs.
    if (scope.live || (nic && row.runtime)) {
        for (const auto& each : devices_of(core_.running_spec(row), device_class)) {
            if (!find(all, device_class, name_of(each))) {
                change(all, each, Kind::attach);
            }
        }
    }
    const std::string& name = name_of(device);
    if (const auto other = name.empty() ? std::nullopt : find(all, device_class, name)) {
        if (scope.live || find(definition, device_class, name)) {
            throw Error(ErrorCode::exists,
                        "Partition '" + row.name + "' has a" + (nic ? "n " : " ") +
                            noun(device_class) + " '" + name + "'",
                        nic ? "detach it first, or leave the address out to have one made"
                            : "detach it first, or name another target");
        }
        // The same interface, which runs already, for the definition.
        std::get<api::Nic>(device).alias = alias_of(*other);
        return device;
    }
    change(all, device, Kind::attach); // at the end; nobody else is without a name
    domain::canonicalise(all, random_bits);
    return devices_of(all, device_class).back();
}

Devices::Change Devices::change_of(const store::PartitionRow& row, Kind kind,
                                   const LiveDevice& device, bool config,
                                   const std::string& actor) const {
    return {row,
            {alias_of(device), kind, class_of(device), encoded(device), config, actor,
             core_.clock.wall_ms()},
            device};
}

api::PartitionView Devices::attach(const Directory::EntryPtr& entry, const LiveDevice& device,
                                   const Order& order) {
    const auto held =
        core_.hold(*entry, verb_of(class_of(device), "attach"), order.actor, order.wait_busy);
    const auto& row = held.row;
    const Scope scope = scope_of(row, order.live, order.config);
    const LiveDevice whole = named(row, device, scope);
    if (scope.config) { // what the definition would refuse is not begun
        api::PartitionSpec spec = core_.definition(row).spec;
        change(spec, whole, Kind::attach);
        bool generated_macs = false;
        prepared(core_, std::move(spec), generated_macs);
    }
    if (scope.live) {
        attach_live(row, whole, scope.config, order);
    } else {
        redefine(row, whole, Kind::attach, order.actor);
    }
    return core_.view(row.uuid);
}

api::PartitionView Devices::detach(const Directory::EntryPtr& entry, DeviceClass device_class,
                                   const std::string& text, const Order& order) {
    const auto held =
        core_.hold(*entry, verb_of(device_class, "detach"), order.actor, order.wait_busy);
    const auto& row = held.row;
    const Scope scope = scope_of(row, order.live, order.config);
    const auto definition = core_.definition(row).spec;
    if (!scope.live) {
        redefine(row, device_of(definition, row.name, device_class, text), Kind::detach,
                 order.actor);
        return core_.view(row.uuid);
    }
    const auto device = device_of(core_.running_spec(row), row.name, device_class, text);
    if (scope.config) {
        (void)device_of(definition, row.name, device_class, name_of(device));
    }
    detach_live(row, device, scope.config, order);
    return core_.view(row.uuid);
}

void Devices::begin(const Change& begun, const std::vector<domain::DiskClaim>& claims) {
    MSHV_CRASHPOINT("control.before_device_intent");
    core_.store.write([&](store::Transaction& t) {
        const auto now = t.find(begun.row.id);
        if (!now || !now->runtime || now->runtime->incarnation != begun.row.runtime->incarnation) {
            throw Error(ErrorCode::wrong_state,
                        "Partition '" + begun.row.name + "' ended meanwhile");
        }
        t.claim_disks(begun.row.id, claims);
        if (begun.change.kind == Kind::attach && class_of(begun.device) == DeviceClass::interface) {
            t.claim_mac(begun.row.id, name_of(begun.device));
        }
        t.put_device_change(begun.row.id, begun.change);
    });
    MSHV_CRASHPOINT("control.after_device_intent");
}

void Devices::attach_live(const store::PartitionRow& row, const LiveDevice& device, bool config,
                          const Order& order) {
    const auto deadline = Deadline::after(milliseconds(order.timeout_ms));
    const api::PartitionSpec running = core_.running_spec(row);
    api::PartitionSpec next = running;
    change(next, device, Kind::attach);
    refuse_when_invalid(domain::validate(next), row.name);
    refuse_when_invalid(core_.objections(next), row.name);
    const auto process = core_.process_of(row);
    const Change begun = change_of(row, Kind::attach, device, config, order.actor);
    // Also: a VMM or keeper that cannot be asked is found out before anything is begun.
    if (process->settle_device(alias_of(device), deadline) != State::absent) {
        throw Error(ErrorCode::exists,
                    "The VMM of '" + row.name + "' has a device " + alias_of(device) + " still",
                    "wait until the guest has let go of it");
    }
    const auto claims = claims_of(device);
    begin(begun, claims);
    try {
        tell(*process, row, running, device, claims, deadline);
        MSHV_CRASHPOINT("control.after_attach");
    } catch (const Error& error) {
        // Half of it may be done: the VMM knows. Where it does not answer, the intent stays.
        bool there = false;
        try {
            there = settle(begun, *process, core_.vmm_deadline()) == State::present;
        } catch (const std::exception& later) {
            core_.log(Severity::warning, "what has come of " + name_of(device) + " of '" +
                                             row.name + "' is found out later: " + later.what());
        }
        if (!there) {
            throw;
        }
        return;
    }
    record(begun, true);
}

void Devices::detach_live(const store::PartitionRow& row, const LiveDevice& device, bool config,
                          const Order& order) {
    const auto* disk = std::get_if<api::Disk>(&device);
    if (disk != nullptr && disk->bus != api::DiskBus::virtio) {
        throw Error(ErrorCode::unsupported,
                    "A disk on the " + std::string(api::to_name(disk->bus)) +
                        " bus cannot come or go while the guest runs",
                    "take it out of the definition with --config");
    }
    const std::string what = noun(class_of(device));
    if (row.state == api::State::paused) {
        throw Error(ErrorCode::wrong_state,
                    "Partition '" + row.name + "' is paused: its guest cannot let go of a" +
                        (disk == nullptr ? "n " : " ") + what,
                    "unpause it first");
    }
    const auto deadline = Deadline::after(milliseconds(order.timeout_ms));
    const auto process = core_.process_of(row);
    const Change begun = change_of(row, Kind::detach, device, config, order.actor);
    process->settle_device(alias_of(device), deadline); // can it be asked?
    begin(begun, {});
    std::optional<Error> failed;
    try {
        process->detach_device(alias_of(device), deadline);
        MSHV_CRASHPOINT("control.after_detach");
    } catch (const Error& error) {
        failed = error;
    }
    const auto state = settle(begun, *process, core_.vmm_deadline());
    if (state == State::absent) {
        return;
    }
    if (state == State::leaving) {
        throw Error(ErrorCode::timeout,
                    "The guest of '" + row.name + "' has not let go of " + name_of(device) + " yet",
                    "it goes when the guest lets go of it, or with the guest's next start");
    }
    if (failed) {
        throw Error(*failed);
    }
    throw Error(ErrorCode::failed, "The guest of '" + row.name + "' keeps " + name_of(device));
}

void Devices::refuse_moving(const store::PartitionRow& row, const LiveDevice& device) {
    for (const auto& each : core_.store.device_changes(row.id)) {
        if (each.device == alias_of(device)) {
            throw Error(ErrorCode::wrong_state,
                        "The " + noun(class_of(device)) + " " + name_of(device) + " of '" +
                            row.name + "' is on its way",
                        "wait until the guest has let go of it");
        }
    }
}

Devices::State Devices::settle(const Change& open, vmm::VmmProcess& process, Deadline deadline) {
    const State state = process.settle_device(open.change.device, deadline);
    MSHV_CRASHPOINT("control.after_settle");
    if (state != State::leaving) { // else the guest has the word
        record(open, state == (open.change.kind == Kind::attach ? State::present : State::absent));
    }
    return state;
}

void Devices::record(const Change& done, bool came_true) {
    const auto& row = done.row;
    const auto kind = done.change.kind;
    api::PartitionSpec next = core_.running_spec(row);
    change(next, done.device, kind);
    std::optional<Error> refused;
    std::optional<Operations::Replacement> definition;
    if (came_true && done.change.config) {
        try {
            definition = replacement(row, done.device, kind, &next);
        } catch (const Error& error) { // somebody has edited it meanwhile
            refused = error;
        }
    }
    core_.store.write([&](store::Transaction& t) {
        const auto now = t.find(row.id);
        if (!now || !now->runtime || now->runtime->incarnation != row.runtime->incarnation) {
            return; // everything went with the run
        }
        t.drop_device_change(row.id, done.change.device);
        release(t, done, came_true);
        if (came_true) {
            t.set_live_spec(row.id, {api::encode(next)});
        }
        t.event(event_of(done.device, kind, came_true), row.id, done.change.actor,
                describe(done.device) + (kind == Kind::link ? " " + link_word(done.device) : ""));
        if (definition) {
            t.redefine(definition->definition, definition->over, done.change.actor);
        }
    });
    MSHV_CRASHPOINT("control.after_device_record");
    if (refused) {
        throw Error(ErrorCode::failed, "The " + noun(class_of(done.device)) + " " +
                                           name_of(done.device) + " of '" + row.name +
                                           "' is changed in what runs, but not in the definition")
            .because(refused->message());
    }
}

void Devices::release(store::Transaction& t, const Change& done, bool came_true) {
    const auto kind = done.change.kind;
    const auto& name = name_of(done.device);
    if (kind == Kind::medium) {
        const auto next = lease_of_next_medium(name);
        if (came_true && std::get<api::Disk>(done.device).path.empty()) {
            t.release_disk(done.row.id, name);
            t.release_disk(done.row.id, next); // of one that was to come
        } else if (came_true) { // in the place of the medium that it had
            t.rename_disk(done.row.id, next, name);
        } else {
            t.release_disk(done.row.id, next);
        }
        return;
    }
    const bool gone = kind == Kind::attach ? !came_true : kind == Kind::detach && came_true;
    if (gone && class_of(done.device) == DeviceClass::disk) {
        t.release_disk(done.row.id, name);
    } else if (gone) {
        t.release_mac(done.row.id, name);
    }
}

Operations::Replacement Devices::replacement(const store::PartitionRow& row,
                                             const LiveDevice& device, Kind kind,
                                             const api::PartitionSpec* running) {
    const auto now = core_.directory.find(row.uuid);
    if (!now) {
        throw Error(ErrorCode::not_found, "Partition '" + row.name + "' is gone");
    }
    const auto stored = core_.definition(now->row);
    Operations::Rewrite rewrite{stored.spec, {}, api::Cause::edited, detail_of(device, kind)};
    change(rewrite.spec, device, kind);
    return operations_.replacement(now->row, stored.spec, rewrite, running);
}

void Devices::redefine(const store::PartitionRow& row, const LiveDevice& device, Kind kind,
                       const std::string& actor) {
    const auto next = replacement(row, device, kind, nullptr);
    MSHV_CRASHPOINT("control.before_device_redefine");
    core_.store.write(
        [&](store::Transaction& t) { t.redefine(next.definition, next.over, actor); });
    MSHV_CRASHPOINT("control.after_device_redefine");
}

void Devices::settle_any(const Change& open) {
    const auto process = core_.process_of(open.row);
    const auto deadline = core_.vmm_deadline();
    switch (open.change.kind) {
    case Kind::resize:
        settle_size(open, *process, deadline);
        break;
    case Kind::link:
        settle_link(open, *process, deadline);
        break;
    case Kind::medium:
        settle_medium(open, *process, deadline);
        break;
    case Kind::attach:
    case Kind::detach:
        settle(open, *process, deadline);
        break;
    }
}

void Devices::settle(const api::Uuid& uuid, const std::string& gone) noexcept {
    try {
        const auto entry = core_.directory.find(uuid);
        if (!entry || !entry->row.runtime || (gone.empty() && !entry->row.changing)) {
            return;
        }
        const auto held = core_.hold(*entry, "settle devices", "mshvd", core_.vmm_deadline());
        if (!held.row.runtime) {
            return;
        }
        auto changes = core_.store.device_changes(held.row.id);
        const bool asked =
            std::any_of(changes.begin(), changes.end(),
                        [&](const store::DeviceChange& each) { return each.device == gone; });
        if (const auto device = find_alias(core_.running_spec(held.row), gone); !asked && device) {
            changes.push_back(change_of(held.row, Kind::detach, *device, false, "guest").change);
        }
        for (const auto& each : changes) {
            settle_any({held.row, each, decoded(each)});
        }
    } catch (const std::exception& error) {
        core_.log(Severity::info, "devices of " + api::to_string(uuid) +
                                      " are looked at again later: " + error.what());
    }
}

} // namespace mshv::control
