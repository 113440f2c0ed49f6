// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/devices.hpp"
#include "daemon/control/preparation.hpp"
#include "daemon/domain/same_device.hpp"
#include "daemon/domain/validate.hpp"
#include "daemon/vmm/disk_identity.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"

#include <chrono>
#include <optional>

// Media of CD drives. A VMM knows each medium by a name that none had before: the intent has the
// one that was there, so whoever finds it sees by the name whether the change has come true.

namespace mshv::control {
namespace {

using api::Error;
using api::ErrorCode;
using Kind = store::DeviceChange::Kind;
using Tray = vmm::VmmProcess::Tray;
using TrayLock = vmm::VmmProcess::TrayLock;

api::Disk loaded(api::Disk drive, const api::ChangeMediumRequest& request) {
    api::Disk medium;
    medium.path = request.path;
    if (!request.path.empty()) {
        medium.source = request.source;
        medium.format = request.format;
    }
    domain::take_medium(drive, medium);
    return drive;
}

void refuse_disk(const api::Disk& disk, const std::string& partition) {
    if (disk.device != api::DiskDevice::cdrom) {
        throw Error(ErrorCode::unsupported,
                    "The disk " + disk.target + " of '" + partition +
                        "' is no CD drive: it has no medium to change",
                    "block-attach and block-detach change disks");
    }
}

[[noreturn]] void refuse_locked(const store::PartitionRow& row, const std::string& target) {
    throw Error(ErrorCode::timeout,
                "The guest of '" + row.name + "' has locked the drive " + target +
                    ", and did not open it: it uses the medium",
                row.state == api::State::paused
                    ? "unpause it, so that it can; or --force takes the medium from it"
                    : "unmount it in the guest; or --force takes the medium from it");
}

std::vector<domain::DiskClaim> claims_of_next(const api::Disk& drive) {
    auto claims = vmm::disk_claims(drive);
    for (auto& claim : claims) {
        claim.device = lease_of_next_medium(drive.target);
    }
    return claims;
}

} // namespace

api::PartitionView Devices::change_medium(const Directory::EntryPtr& entry,
                                          const api::ChangeMediumRequest& request,
                                          const std::string& actor, Deadline wait_busy) {
    const auto held =
        core_.hold(*entry, request.path.empty() ? "cd-eject" : "cd-insert", actor, wait_busy);
    const auto& row = held.row;
    const Scope scope = scope_of(row, request.live, request.config);
    const auto drive_in = [&](const api::PartitionSpec& spec, const std::string& target) {
        auto drive = std::get<api::Disk>(device_of(spec, row.name, DeviceClass::disk, target));
        refuse_disk(drive, row.name);
        return drive;
    };
    const auto definition = core_.definition(row).spec;
    const auto now = drive_in(scope.live ? core_.running_spec(row) : definition, request.target);
    const auto drive = loaded(now, request);
    if (scope.config) { // what the definition would refuse is not begun
        (void)drive_in(definition, drive.target);
        api::PartitionSpec spec = definition;
        change(spec, drive, Kind::medium);
        bool generated_macs = false;
        prepared(core_, std::move(spec), generated_macs);
    }
    const bool is_so = now.path.empty() && drive.path.empty(); // an empty drive is not emptied
    if (scope.live && !is_so) {
        change_medium_live(row, drive, scope.config, request, actor);
    } else if (scope.config) {
        redefine(row, drive, Kind::medium, actor);
    }
    return core_.view(row.uuid);
}

void Devices::change_medium_live(const store::PartitionRow& row, const api::Disk& drive,
                                 bool config, const api::ChangeMediumRequest& request,
                                 const std::string& actor) {
    if (drive.bus == api::DiskBus::virtio) {
        throw Error(ErrorCode::unsupported,
                    "The drive " + drive.target + " of '" + row.name +
                        "' is on the virtio bus, which has no tray",
                    "put it on the sata bus, or change the definition with --config");
    }
    refuse_moving(row, drive);
    const auto running = core_.running_spec(row);
    api::PartitionSpec next = running;
    change(next, drive, Kind::medium);
    refuse_when_invalid(domain::validate(next), row.name);
    refuse_when_invalid(core_.objections(next), row.name);
    const auto process = core_.process_of(row);
    Change begun = change_of(row, Kind::medium, drive, config, actor);
    // Also: a VMM or keeper that cannot be asked is found out before anything is begun.
    begun.change.before = process->settle_medium(drive.alias, core_.vmm_deadline());
    const auto claims = claims_of_next(drive);
    begin(begun, claims);
    std::optional<Error> failed;
    Tray tray = Tray::moved;
    try {
        tray = process->change_medium(
            running, drive, claims, request.force ? TrayLock::overridden : TrayLock::honoured,
            Deadline::after(std::chrono::milliseconds(request.timeout_ms)));
        MSHV_CRASHPOINT("control.after_medium");
    } catch (const Error& error) {
        failed = error;
    }
    bool done = false;
    try {
        done = settle_medium(begun, *process, core_.vmm_deadline());
    } catch (const std::exception& later) {
        if (!failed) {
            throw;
        }
        core_.log(Severity::warning, "what has come of the medium of " + drive.target + " of '" +
                                         row.name + "' is found out later: " + later.what());
    }
    if (!done && tray == Tray::locked) {
        refuse_locked(row, drive.target);
    }
    if (!done) {
        throw failed.value_or(Error(ErrorCode::failed, "The medium of the drive " + drive.target +
                                                           " of '" + row.name +
                                                           "' could not be changed"));
    }
}

bool Devices::settle_medium(const Change& open, vmm::VmmProcess& process, Deadline deadline) {
    const auto& before = open.change.before;
    const std::string now = process.settle_medium(open.change.device, deadline);
    MSHV_CRASHPOINT("control.after_medium_settle");
    const auto& wanted = std::get<api::Disk>(open.device);
    const bool done = wanted.path.empty() ? now.empty() : !now.empty() && now != before;
    if (!done && now.empty() && !before.empty()) { // neither the old one nor the new
        Change lost = open;
        lost.device = loaded(wanted, {});
        lost.change.config = false;
        record(lost, true);
        return false;
    }
    record(open, done);
    return done;
}

} // namespace mshv::control
