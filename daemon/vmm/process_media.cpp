// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/process.hpp"
#include "daemon/vmm/qemu/json.hpp"
#include "daemon/vmm/qemu/qmp.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"

#include <algorithm>
#include <chrono>
#include <poll.h>
#include <utility>

// Media of CD drives. The new one is a block of the VMM before the tray moves, so that an image
// that cannot be read leaves the old one where it is. What later generations are started with is
// the truth: it is changed between the two media, while the drive is empty, and whoever finds the
// VMM with another one puts that right.

namespace mshv::vmm {

using qemu::JsonObject;

namespace {

constexpr int look_interval_ms = 100;
constexpr std::chrono::seconds answer_time{5};

} // namespace

qemu::QmpDrive KeeperProcess::drive(const std::string& alias, Deadline deadline) {
    return qemu::parse_drive(
        qmp(qemu::qmp_command("query-block"), "look at the VMM's drives", deadline), alias);
}

VmmProcess::Tray KeeperProcess::open_tray(const std::string& alias, TrayLock lock, Deadline guest,
                                          Deadline deadline) {
    constexpr std::string_view what = "open the tray of the drive";
    const auto arguments =
        JsonObject().text("id", alias).flag("force", lock == TrayLock::overridden);
    const auto ask = [&] {
        qemu::expect_success(
            qmp(qemu::qmp_command("blockdev-open-tray", arguments.str()), what, deadline), what);
    };
    // Of one that is locked the VMM passes the wish on to the guest, and says that all is well.
    ask();
    for (bool again = false;;) {
        const auto now = drive(alias, deadline);
        if (now.tray_open) {
            return Tray::moved;
        }
        if (!now.locked) { // by now
            if (std::exchange(again, true)) {
                throw api::Error(api::ErrorCode::failed,
                                 "The VMM does not open the tray of the drive " + alias);
            }
            ask();
            continue;
        }
        again = false;
        if (guest.expired()) {
            return Tray::locked;
        }
        const int turn = std::min(look_interval_ms, guest.poll_timeout());
        ::poll(nullptr, 0, turn); // paces: the guest has been asked, and is looked at
    }
}

void KeeperProcess::take_out(const std::string& alias, Deadline deadline) {
    constexpr std::string_view what = "take the medium out";
    qemu::expect_success(
        qmp(qemu::qmp_command("blockdev-remove-medium", JsonObject().text("id", alias).str()), what,
            deadline),
        what);
    MSHV_CRASHPOINT("vmm.medium.after_remove");
}

void KeeperProcess::put_in(const std::string& alias, const std::string& node, Deadline deadline) {
    constexpr std::string_view what = "insert the medium";
    const auto arguments = JsonObject().text("id", alias).text("node-name", node);
    qemu::expect_success(
        qmp(qemu::qmp_command("blockdev-insert-medium", arguments.str()), what, deadline), what);
    MSHV_CRASHPOINT("vmm.medium.after_insert");
    close_tray(alias, deadline);
}

void KeeperProcess::close_tray(const std::string& alias, Deadline deadline) {
    constexpr std::string_view what = "close the tray of the drive";
    qemu::expect_success(
        qmp(qemu::qmp_command("blockdev-close-tray", JsonObject().text("id", alias).str()), what,
            deadline),
        what);
    MSHV_CRASHPOINT("vmm.medium.after_close");
}

VmmProcess::Tray KeeperProcess::change_medium(const api::PartitionSpec& spec,
                                              const api::Disk& drive,
                                              const std::vector<domain::DiskClaim>& claims,
                                              TrayLock lock, Deadline guest) {
    // The guest has until `guest`; what the VMM is asked for behind that has a time of its own.
    const auto deadline =
        Deadline::after(std::chrono::milliseconds(milliseconds_left(guest)) + answer_time);
    const auto& alias = drive.alias;
    const auto before = makeup_to_extend(deadline);
    qemu::Medium medium;
    std::vector<Fd> files;
    if (!drive.path.empty()) {
        medium = qemu::make_medium(before, spec, drive);
        files = open_files(medium.addition, claims);
        add(medium.addition, files, deadline);
    }
    MSHV_CRASHPOINT("vmm.medium.before_open");
    if (open_tray(alias, lock, guest, deadline) == Tray::locked) {
        return Tray::locked;
    }
    MSHV_CRASHPOINT("vmm.medium.after_open");
    take_out(alias, deadline);
    const auto next =
        qemu::with_medium(qemu::with_addition(before, medium.addition), alias, medium.node);
    amend(before, next, &medium.addition, files, deadline);
    if (!medium.node.empty()) {
        put_in(alias, medium.node, deadline);
    }
    return Tray::moved;
}

std::string KeeperProcess::settle_medium(const std::string& alias, Deadline deadline) {
    auto now = makeup(deadline);
    std::string node = qemu::drive_of(now, alias);
    const auto there = drive(alias, deadline);
    if (there.node != node) {
        if (!there.node.empty()) {
            (void)open_tray(alias, TrayLock::overridden, deadline, deadline);
            take_out(alias, deadline);
        }
        try {
            if (!node.empty()) {
                put_in(alias, node, deadline);
            }
        } catch (const api::Error& error) {
            if (error.code() != api::ErrorCode::failed) {
                throw; // it was not heard
            }
            // What it refuses is not to be in later generations either.
            const auto next = qemu::with_medium(now, alias, {});
            amend(now, next, nullptr, {}, deadline);
            now = next;
            node.clear();
        }
    } else if (!node.empty() && there.tray_open) {
        close_tray(alias, deadline);
    }
    sweep_blocks(now, deadline);
    return node;
}

} // namespace mshv::vmm
