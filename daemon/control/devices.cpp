// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/devices.hpp"

#include "daemon/control/preparation.hpp"
#include "daemon/domain/canonicalise.hpp"
#include "daemon/domain/validate.hpp"
#include "daemon/vmm/disk_identity.hpp"
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"

#include <algorithm>
#include <chrono>

namespace mshv::control {
namespace {

using api::Error;
using api::ErrorCode;
using Kind = store::DeviceChange::Kind;
using std::chrono::milliseconds;

api::Disk decoded(const std::string& text) {
    api::DecodeOptions options;
    options.what = "stored disk";
    return api::decode<api::Disk>(text, options);
}

bool is_one(const api::Disk& disk, const std::string& target) {
    return disk.target == target || disk.alias == target;
}

const api::Disk* find(const api::PartitionSpec& spec, const std::string& target) {
    const auto& disks = spec.devices.disks;
    const auto found = std::find_if(disks.begin(), disks.end(),
                                    [&](const api::Disk& disk) { return is_one(disk, target); });
    return found == disks.end() ? nullptr : &*found;
}

void change(api::PartitionSpec& spec, const api::Disk& disk, Kind kind) {
    auto& disks = spec.devices.disks;
    std::erase_if(disks, [&](const api::Disk& each) { return each.target == disk.target; });
    if (kind == Kind::attach) {
        disks.push_back(disk);
    }
}

std::string describe(const api::Disk& disk) {
    return disk.target + (disk.path.empty() ? "" : " " + disk.path);
}

[[noreturn]] void not_there(const std::string& name, const std::string& target) {
    throw Error(ErrorCode::not_found, "Partition '" + name + "' has no disk '" + target + "'",
                "mshvctl block-list shows those that it has");
}

} // namespace

Devices::Scope Devices::scope_of(const store::PartitionRow& row, bool live, bool config) {
    const bool runs =
        row.runtime && (row.state == api::State::running || row.state == api::State::paused);
    if (live && !runs) {
        require(domain::Verb::device, row);
    }
    if (live || config) {
        return {live, config};
    }
    if (!runs && row.state != api::State::shutoff && row.state != api::State::crashed) {
        require(domain::Verb::device, row);
    }
    return {runs, !runs};
}

const api::Disk& Devices::disk_of(const api::PartitionSpec& spec, const std::string& name,
                                  const std::string& target) {
    const api::Disk* disk = find(spec, target);
    if (disk == nullptr) {
        not_there(name, target);
    }
    return *disk;
}

/// The disk with a target and an alias that are free wherever it is to be.
api::Disk Devices::named(const store::PartitionRow& row, const api::Disk& disk, Scope scope) {
    api::PartitionSpec all = core_.definition(row).spec;
    if (scope.live) {
        for (const auto& each : core_.running_spec(row).devices.disks) {
            if (find(all, each.target) == nullptr) {
                all.devices.disks.push_back(each);
            }
        }
    }
    if (!disk.target.empty() && find(all, disk.target) != nullptr) {
        throw Error(ErrorCode::exists,
                    "Partition '" + row.name + "' has a disk '" + disk.target + "'",
                    "detach it first, or name another target");
    }
    all.devices.disks.push_back(disk);
    domain::canonicalise(all, random_bits);
    return all.devices.disks.back();
}

api::PartitionView Devices::attach(const Directory::EntryPtr& entry,
                                   const api::AttachDiskRequest& request, const std::string& actor,
                                   Deadline wait_busy) {
    const auto held = core_.hold(*entry, "block-attach", actor, wait_busy);
    const auto& row = held.row;
    const Scope scope = scope_of(row, request.live, request.config);
    const api::Disk disk = named(row, request.disk, scope);
    if (scope.config) { // what the definition would refuse is not begun
        api::PartitionSpec spec = core_.definition(row).spec;
        change(spec, disk, Kind::attach);
        bool generated_macs = false;
        prepared(core_, std::move(spec), generated_macs);
    }
    if (scope.live) {
        attach_live(row, disk, scope.config, actor,
                    Deadline::after(milliseconds(request.timeout_ms)));
    } else {
        redefine(row, disk, Kind::attach, actor);
    }
    return core_.view(row.uuid);
}

api::PartitionView Devices::detach(const Directory::EntryPtr& entry,
                                   const api::DetachDiskRequest& request, const std::string& actor,
                                   Deadline wait_busy) {
    const auto held = core_.hold(*entry, "block-detach", actor, wait_busy);
    const auto& row = held.row;
    const Scope scope = scope_of(row, request.live, request.config);
    const auto definition = core_.definition(row).spec;
    const api::Disk* defined = find(definition, request.target);
    if (scope.config && defined == nullptr) {
        not_there(row.name, request.target);
    }
    if (!scope.live) {
        redefine(row, *defined, Kind::detach, actor);
        return core_.view(row.uuid);
    }
    const auto running = core_.running_spec(row);
    detach_live(row, disk_of(running, row.name, request.target), scope.config, actor,
                Deadline::after(milliseconds(request.timeout_ms)));
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
        t.put_device_change(begun.row.id, begun.change);
    });
    MSHV_CRASHPOINT("control.after_device_intent");
}

void Devices::attach_live(const store::PartitionRow& row, const api::Disk& disk, bool config,
                          const std::string& actor, Deadline deadline) {
    const api::PartitionSpec running = core_.running_spec(row);
    api::PartitionSpec next = running;
    change(next, disk, Kind::attach);
    refuse_when_invalid(domain::validate(next), row.name);
    refuse_when_invalid(core_.vmm.objections(next), row.name);
    const auto process = core_.process_of(row);
    const Change begun{
        row,
        {disk.alias, Kind::attach, api::encode(disk), config, actor, core_.clock.wall_ms()},
        disk};
    // Also: a VMM or keeper that cannot be asked is found out before anything is begun.
    if (process->settle_device(disk.alias, deadline) != State::absent) {
        throw Error(ErrorCode::exists,
                    "The VMM of '" + row.name + "' has a device " + disk.alias + " still",
                    "wait until the guest has let go of it");
    }
    const auto claims = vmm::disk_claims(disk);
    begin(begun, claims);
    try {
        process->attach_disk(running, disk, claims, deadline);
        MSHV_CRASHPOINT("control.after_attach");
    } catch (const Error& error) {
        // Half of it may be done: the VMM knows. Where it does not answer, the intent stays.
        bool there = false;
        try {
            there = settle(begun, *process, core_.vmm_deadline()) == State::present;
        } catch (const std::exception& later) {
            core_.log(Severity::warning, "what has come of " + disk.target + " of '" + row.name +
                                             "' is found out later: " + later.what());
        }
        if (!there) {
            throw;
        }
        return;
    }
    record(begun, State::present);
}

void Devices::detach_live(const store::PartitionRow& row, const api::Disk& disk, bool config,
                          const std::string& actor, Deadline deadline) {
    if (disk.bus != api::DiskBus::virtio) {
        throw Error(ErrorCode::unsupported,
                    "A disk on the " + std::string(api::to_name(disk.bus)) +
                        " bus cannot come or go while the guest runs",
                    "take it out of the definition with --config");
    }
    if (row.state == api::State::paused) {
        throw Error(ErrorCode::wrong_state,
                    "Partition '" + row.name + "' is paused: its guest cannot let go of a disk",
                    "unpause it first");
    }
    const auto process = core_.process_of(row);
    const Change begun{
        row,
        {disk.alias, Kind::detach, api::encode(disk), config, actor, core_.clock.wall_ms()},
        disk};
    process->settle_device(disk.alias, deadline); // can it be asked?
    begin(begun, {});
    std::optional<Error> failed;
    try {
        process->detach_device(disk.alias, deadline);
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
                    "The guest of '" + row.name + "' has not let go of " + disk.target + " yet",
                    "it goes when the guest lets go of it, or with the guest's next start");
    }
    if (failed) {
        throw Error(*failed);
    }
    throw Error(ErrorCode::failed, "The guest of '" + row.name + "' keeps " + disk.target);
}

Devices::State Devices::settle(const Change& open, vmm::VmmProcess& process, Deadline deadline) {
    const State state = process.settle_device(open.change.device, deadline);
    MSHV_CRASHPOINT("control.after_settle");
    record(open, state);
    return state;
}

void Devices::record(const Change& done, State state) {
    const auto& row = done.row;
    const bool attach = done.change.kind == Kind::attach;
    if (state == State::leaving) {
        return; // the guest has the word
    }
    const bool came_true = attach ? state == State::present : state == State::absent;
    api::PartitionSpec next = core_.running_spec(row);
    change(next, done.disk, done.change.kind);
    std::optional<Error> refused;
    std::optional<Operations::Replacement> definition;
    if (came_true && done.change.config) {
        try {
            definition = replacement(row, done.disk, done.change.kind, &next);
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
        if (attach ? !came_true : came_true) {
            t.release_disk(row.id, done.disk.target);
        }
        if (came_true) {
            t.set_live_spec(row.id, {api::encode(next)});
        }
        t.event(came_true ? (attach ? "partition.disk-attached" : "partition.disk-detached")
                          : (attach ? "partition.disk-not-attached" : "partition.disk-kept"),
                row.id, done.change.actor, describe(done.disk));
        if (definition) {
            t.redefine(definition->definition, definition->over, done.change.actor);
        }
    });
    MSHV_CRASHPOINT("control.after_device_record");
    if (refused) {
        throw Error(ErrorCode::failed, "The disk " + done.disk.target + " of '" + row.name +
                                           "' is changed in what runs, but not in the definition")
            .because(refused->message());
    }
}

Operations::Replacement Devices::replacement(const store::PartitionRow& row, const api::Disk& disk,
                                             Kind kind, const api::PartitionSpec* running) {
    const auto now = core_.directory.find(row.uuid);
    if (!now) {
        throw Error(ErrorCode::not_found, "Partition '" + row.name + "' is gone");
    }
    const auto stored = core_.definition(now->row);
    Operations::Rewrite rewrite{stored.spec,
                                {},
                                api::Cause::edited,
                                std::string(kind == Kind::attach ? "with disk " : "without disk ") +
                                    disk.target};
    change(rewrite.spec, disk, kind);
    return operations_.replacement(now->row, stored.spec, rewrite, running);
}

void Devices::redefine(const store::PartitionRow& row, const api::Disk& disk, Kind kind,
                       const std::string& actor) {
    const auto next = replacement(row, disk, kind, nullptr);
    MSHV_CRASHPOINT("control.before_device_redefine");
    core_.store.write(
        [&](store::Transaction& t) { t.redefine(next.definition, next.over, actor); });
    MSHV_CRASHPOINT("control.after_device_redefine");
}

api::DiskList Devices::disks(const store::PartitionRow& row) {
    api::DiskList list;
    const auto definition = core_.definition(row).spec;
    const auto add = [&](const api::Disk& disk, api::DiskState state) {
        list.disks.push_back({disk, state, find(definition, disk.target) != nullptr});
    };
    if (row.runtime) {
        const auto changes = core_.store.device_changes(row.id);
        for (const auto& disk : core_.running_spec(row).devices.disks) {
            const bool leaves = std::any_of(changes.begin(), changes.end(), [&](const auto& each) {
                return each.kind == Kind::detach && each.device == disk.alias;
            });
            add(disk, leaves ? api::DiskState::detaching : api::DiskState::present);
        }
        for (const auto& each : changes) {
            if (each.kind == Kind::attach) {
                add(decoded(each.disk), api::DiskState::attaching);
            }
        }
    }
    for (const auto& disk : definition.devices.disks) {
        const bool listed =
            std::any_of(list.disks.begin(), list.disks.end(),
                        [&](const api::DiskView& view) { return view.disk.target == disk.target; });
        if (!listed) {
            add(disk, api::DiskState::defined);
        }
    }
    return list;
}

void Devices::settle(const api::Uuid& uuid, const std::string& gone) noexcept {
    try {
        const auto entry = core_.directory.find(uuid);
        if (!entry || !entry->row.runtime || (gone.empty() && !entry->row.changing)) {
            return;
        }
        const auto guard = core_.lock(entry->row, "settle devices", "mshvd", core_.vmm_deadline());
        const auto now = core_.directory.find(uuid);
        if (!now || !now->row.runtime) {
            return;
        }
        auto changes = core_.store.device_changes(now->row.id);
        const bool asked =
            std::any_of(changes.begin(), changes.end(),
                        [&](const store::DeviceChange& each) { return each.device == gone; });
        const auto running = core_.running_spec(now->row);
        if (const api::Disk* disk = find(running, gone); !gone.empty() && !asked && disk) {
            changes.push_back({disk->alias, Kind::detach, api::encode(*disk), false, "guest", 0});
        }
        for (const auto& each : changes) {
            const Change open{now->row, each, decoded(each.disk)};
            if (each.kind == Kind::resize) {
                settle_size(open, *core_.process_of(now->row), core_.vmm_deadline());
            } else {
                settle(open, *core_.process_of(now->row), core_.vmm_deadline());
            }
        }
    } catch (const std::exception& error) {
        core_.log(Severity::info, "devices of " + api::to_string(uuid) +
                                      " are looked at again later: " + error.what());
    }
}

} // namespace mshv::control
