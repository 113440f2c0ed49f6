// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/process.hpp"
#include "daemon/vmm/qemu/qmp.hpp"
#include "daemon/vmm/qemu/settings.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"

// Settings of what runs, each made twice: in the present VMM, then in what the keeper starts later
// generations with. So what stands in the second has been done in the first, or a later generation
// has begun with it.

namespace mshv::vmm {

using keeper::Message;

std::uint64_t KeeperProcess::memory(Deadline deadline) {
    return qemu::parse_balloon(
        qmp(qemu::qmp_command("query-balloon"), "ask the balloon", deadline));
}

MemoryTarget KeeperProcess::memory_target(Deadline deadline) {
    const auto now = makeup(deadline);
    return {qemu::has_device(now, qemu::balloon_alias), qemu::balloon_of(now)};
}

void KeeperProcess::set_memory(std::uint64_t bytes, std::uint64_t whole, Deadline deadline) {
    const auto tell = [&] {
        MSHV_CRASHPOINT("vmm.balloon.before");
        qemu::expect_success(qmp(qemu::balloon_command(bytes), "ask the balloon", deadline),
                             "ask the balloon");
        MSHV_CRASHPOINT("vmm.balloon.after");
    };
    const auto before = makeup(deadline);
    tell();
    const auto target = bytes < whole ? std::optional(bytes) : std::nullopt;
    amend(before, qemu::with_balloon(before, target), nullptr, {}, deadline);
    if (makeup(deadline).generation != before.generation) {
        tell(); // one that began between the two has the earlier target
    }
}

DiskLimits KeeperProcess::disk_limits(Deadline deadline) {
    return qemu::limits_of(makeup(deadline));
}

void KeeperProcess::set_disk_limits(const std::string& alias,
                                    const std::optional<api::IoTune>& tune, Deadline deadline) {
    const auto before = makeup(deadline);
    const auto id = qemu::limited_id(qemu::driver_of(before, alias), alias);
    const auto tell = [&] {
        MSHV_CRASHPOINT("vmm.limits.before");
        qemu::expect_success(
            qmp(qemu::limits_command(id, tune), "hold a disk to its limits", deadline),
            "hold the disk to its limits");
        MSHV_CRASHPOINT("vmm.limits.after");
    };
    tell();
    amend(before, qemu::with_limits(before, alias, tune), nullptr, {}, deadline);
    if (makeup(deadline).generation != before.generation) {
        tell(); // one that began between the two has the earlier limits
    }
}

std::string KeeperProcess::affinity(Deadline deadline) {
    return link_->ask(Message("makeup"), "learn where the VMM runs", deadline).text("affinity");
}

void KeeperProcess::set_affinity(const api::Cpu& cpu, Deadline deadline) {
    MSHV_CRASHPOINT("vmm.pin.before");
    link_->ask(Message("pin").set("affinity", qemu::affinity_of(cpu)), "pin the virtual processors",
               deadline);
    MSHV_CRASHPOINT("vmm.pin.after");
}

} // namespace mshv::vmm
