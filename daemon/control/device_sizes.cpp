// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/devices.hpp"
#include "daemon/control/preparation.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

// Disks of what runs that become larger. How large one is stands in its image and nowhere else, so
// what came of an intent is what the VMM says.

namespace mshv::control {
namespace {

using api::Error;
using api::ErrorCode;
using Kind = store::DeviceChange::Kind;

constexpr std::uint64_t sector = 512;
constexpr std::uint64_t largest = std::uint64_t{1} << 62U;

void refuse_size(const api::ResizeDiskRequest& request, std::uint64_t now) {
    const std::string bytes = std::to_string(request.size) + " bytes";
    if (request.size == 0 || request.size % sector != 0 || request.size > largest) {
        throw Error(ErrorCode::invalid, "A disk cannot have " + bytes,
                    "give a size that is a multiple of 512 bytes");
    }
    if (request.size < now && !request.shrink) {
        throw Error(ErrorCode::invalid,
                    "The disk " + request.target + " has " + std::to_string(now) +
                        " bytes: what is behind " + bytes + " would be lost",
                    "--shrink, if the guest keeps nothing there");
    }
}

} // namespace

api::PartitionView Devices::resize(const Directory::EntryPtr& entry,
                                   const api::ResizeDiskRequest& request, const std::string& actor,
                                   Deadline wait_busy) {
    const auto held = core_.hold(*entry, "block-resize", actor, wait_busy);
    const auto& row = held.row;
    require(domain::Verb::device, row);
    const auto running = core_.running_spec(row);
    const auto device = device_of(running, row.name, DeviceClass::disk, request.target);
    const auto& disk = std::get<api::Disk>(device);
    if (disk.read_only || disk.device != api::DiskDevice::disk) {
        throw Error(ErrorCode::unsupported,
                    "The disk " + disk.target + " of '" + row.name + "' is read only",
                    "only a disk that the guest writes to gets another size");
    }
    const auto deadline = Deadline::after(std::chrono::milliseconds(request.timeout_ms));
    const auto process = core_.process_of(row);
    const std::uint64_t before = process->disk_size(disk.alias, deadline);
    refuse_size(request, before);
    if (before == request.size) {
        return core_.view(row.uuid);
    }
    refuse_moving(row, device);
    Change begun = change_of(row, Kind::resize, device, false, actor);
    begun.change.size = static_cast<std::int64_t>(request.size);
    begin(begun, {});
    std::optional<Error> failed;
    try {
        process->resize_disk(disk.alias, request.size, deadline);
    } catch (const Error& error) {
        failed = error;
    }
    const std::uint64_t after = settle_size(begun, *process, core_.vmm_deadline());
    if (after != request.size) {
        throw failed.value_or(Error(ErrorCode::failed, "The disk " + disk.target + " has " +
                                                           std::to_string(after) + " bytes"));
    }
    return core_.view(row.uuid);
}

std::uint64_t Devices::settle_size(const Change& open, vmm::VmmProcess& process,
                                   Deadline deadline) {
    const std::uint64_t size = process.disk_size(open.change.device, deadline);
    const bool came_true = std::cmp_equal(size, open.change.size);
    core_.store.write([&](store::Transaction& t) {
        t.drop_device_change(open.row.id, open.change.device);
        t.event(came_true ? "partition.disk-resized" : "partition.disk-not-resized", open.row.id,
                open.change.actor, describe(open.device) + ", " + std::to_string(size) + " bytes");
    });
    MSHV_CRASHPOINT("control.after_resize_record");
    return size;
}

} // namespace mshv::control
