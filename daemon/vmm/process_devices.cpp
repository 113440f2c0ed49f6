// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/files.hpp"
#include "daemon/vmm/process.hpp"
#include "daemon/vmm/qemu/json.hpp"
#include "daemon/vmm/qemu/qmp.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"

#include <algorithm>
#include <charconv>

// Devices that come and go while the guest runs. Each change is made twice: in what the keeper
// starts later generations with, and in the present VMM. A device that comes is in the first before
// it is in the second, one that goes the other way round, so that no generation is without what the
// guest was told it has; settle_device() compares the two after whatever came between.

namespace mshv::vmm {
namespace {

using keeper::Message;
using qemu::JsonObject;

std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> values;
    std::size_t start = 0;
    for (auto end = text.find('\0'); end != std::string::npos; end = text.find('\0', start)) {
        values.push_back(text.substr(start, end - start));
        start = end + 1;
    }
    return values;
}

std::string join(const std::vector<std::string>& values) {
    std::string text;
    for (const auto& value : values) {
        text += value;
        text += '\0';
    }
    return text;
}

std::vector<int> numbers(const std::string& text) {
    std::vector<int> values;
    const char* at = text.data();
    const char* const end = at + text.size();
    while (at < end) {
        int value = 0;
        const auto [stop, error] = std::from_chars(at, end, value);
        if (error != std::errc{}) {
            throw api::Error(api::ErrorCode::failed, "The keeper's answer is malformed");
        }
        values.push_back(value);
        at = stop + (stop < end ? 1 : 0);
    }
    return values;
}

std::string join(const std::vector<int>& values) {
    std::string text;
    for (const int value : values) {
        text += (text.empty() ? "" : ",") + std::to_string(value);
    }
    return text;
}

} // namespace

qemu::MakeUp KeeperProcess::makeup(Deadline deadline) {
    const Message answer = link_->ask(Message("makeup"), "learn the VMM's devices", deadline);
    qemu::MakeUp now;
    now.argv = split(answer.text("argv"));
    now.setup = split(answer.text("setup"));
    now.targets = numbers(answer.text("targets"));
    now.generation = answer.number("generation").value_or(0);
    if (now.argv.empty()) {
        throw api::Error(api::ErrorCode::failed, "The keeper's answer is malformed");
    }
    return now;
}

qemu::MakeUp KeeperProcess::makeup_to_extend(Deadline deadline) {
    auto now = makeup(deadline);
    for (const auto set : qemu::parse_numbers(
             qmp(qemu::qmp_command("query-fdsets"), "look at the VMM's files", deadline),
             "fdset-id")) {
        now.next_set = std::max(now.next_set, static_cast<int>(set) + 1);
    }
    return now;
}

void KeeperProcess::amend(const qemu::MakeUp& before, const qemu::MakeUp& next,
                          const qemu::Addition* addition, const std::vector<Fd>& fds,
                          Deadline deadline) {
    std::vector<int> kept;
    for (const int target : next.targets) {
        if (std::find(before.targets.begin(), before.targets.end(), target) !=
            before.targets.end()) {
            kept.push_back(target);
        }
    }
    std::vector<int> added;
    if (addition != nullptr) {
        for (const auto& file : addition->files) {
            added.push_back(file.file.target);
        }
        for (const auto& tap : addition->taps) {
            added.push_back(tap.tap.target);
        }
    }
    std::vector<int> sent;
    sent.reserve(fds.size());
    for (const auto& fd : fds) {
        sent.push_back(fd.get());
    }
    MSHV_CRASHPOINT("vmm.amend.before");
    link_->ask(Message("amend")
                   .set("argv", join(next.argv))
                   .set("setup", join(next.setup))
                   .set("kept", join(kept))
                   .set("added", join(added)),
               "change the VMM's devices", deadline, sent);
    MSHV_CRASHPOINT("vmm.amend.after");
}

std::vector<Fd> KeeperProcess::open_files(const qemu::Addition& addition,
                                          const std::vector<domain::DiskClaim>& claims) {
    std::vector<Fd> files;
    for (const auto& added : addition.files) {
        domain::FilePlan plan = added.file;
        for (const auto& claim : claims) {
            plan.node = claim.path == plan.path ? claim.node : plan.node;
        }
        files.push_back(open_disk(plan));
    }
    return files;
}

void KeeperProcess::add(const qemu::Addition& addition, const std::vector<Fd>& fds,
                        Deadline deadline) {
    constexpr std::string_view what = "take the device";
    std::size_t next = 0;
    const auto hand_over = [&](const std::string& command) {
        qemu::expect_success(
            qmp_with(command, fds.at(next++), "hand a device to the VMM", deadline), what);
    };
    for (const auto& file : addition.files) {
        const auto set = static_cast<std::uint64_t>(file.set);
        hand_over(qemu::qmp_command("add-fd", JsonObject().number("fdset-id", set).str()));
    }
    for (const auto& tap : addition.taps) {
        hand_over(qemu::qmp_command("getfd", JsonObject().text("fdname", tap.name).str()));
    }
    MSHV_CRASHPOINT("vmm.add.after_files");
    for (const auto& line : addition.commands) {
        qemu::expect_success(qmp(line, "give the VMM a device", deadline), what);
        MSHV_CRASHPOINT("vmm.add.after_command");
    }
}

void KeeperProcess::attach_disk(const api::PartitionSpec& spec, const api::Disk& disk,
                                const std::vector<domain::DiskClaim>& claims, Deadline deadline) {
    const auto before = makeup(deadline);
    const auto addition = qemu::add_disk(before, spec, disk);
    const auto files = open_files(addition, claims);
    amend(before, qemu::with_addition(before, addition), &addition, files, deadline);
    add(addition, files, deadline);
}

Message KeeperProcess::unplug(const std::string& name, Deadline deadline) {
    try {
        // The keeper's answer comes at the deadline, ours a little later.
        const auto left = milliseconds_left(deadline);
        return link_->call(Message("unplug").set("device", name).set("timeout_ms", left), {},
                           Deadline::after(std::chrono::milliseconds(left + 2000)));
    } catch (const posix::TimedOut&) {
        return Message("error").set("code", "timeout").set("message", "the keeper is silent");
    }
}

void KeeperProcess::detach_device(const std::string& alias, Deadline deadline) {
    if (!qemu::has_device(makeup(deadline), alias)) {
        return;
    }
    MSHV_CRASHPOINT("vmm.detach.before");
    const Message answer = unplug(alias, deadline);
    MSHV_CRASHPOINT("vmm.detach.after");
    if (answer.word == "ok" || answer.text("code") == "vmm_gone") {
        return; // a later generation would have it: settle_device() finds out
    }
    if (answer.text("code") != "timeout") {
        throw to_error(answer, "detach the device");
    }
    // It may let go in an hour; but it is no part of what is started next.
    const auto soon = Deadline::after(std::chrono::seconds(5));
    const auto before = makeup(soon);
    amend(before, qemu::without_device(before, alias), nullptr, {}, soon);
    throw to_error(answer, "detach the device");
}

bool KeeperProcess::is_there(const std::string& alias, Deadline deadline) {
    return qemu::parse_names(
               qmp(qemu::qmp_command("qom-list",
                                     JsonObject().text("path", "/machine/peripheral").str()),
                   "look at the VMM's devices", deadline))
        .contains(alias);
}

VmmProcess::DeviceState KeeperProcess::settle_device(const std::string& alias, Deadline deadline) {
    const auto before = makeup(deadline);
    const bool there = is_there(alias, deadline);
    const bool stays = qemu::has_device(before, alias);
    if (there) {
        return stays ? DeviceState::present : DeviceState::leaving;
    }
    auto now = before;
    if (stays) {
        now = qemu::without_device(before, alias);
        amend(before, now, nullptr, {}, deadline);
    }
    sweep_blocks(now, deadline);
    sweep_backends(now, alias, deadline);
    return DeviceState::absent;
}

DeviceBuses KeeperProcess::device_buses(Deadline deadline) {
    return qemu::buses_of(makeup(deadline));
}

std::string KeeperProcess::node_of(const std::string& alias, Deadline deadline) {
    std::string node = qemu::drive_of(makeup(deadline), alias);
    if (node.empty()) {
        throw api::Error(api::ErrorCode::failed, "The VMM has no disk " + alias);
    }
    return node;
}

std::uint64_t KeeperProcess::disk_size(const std::string& alias, Deadline deadline) {
    const auto node = node_of(alias, deadline);
    return qemu::parse_disk_size(
        qmp(qemu::qmp_command("query-named-block-nodes", JsonObject().flag("flat", true).str()),
            "look at the VMM's blocks", deadline),
        node);
}

void KeeperProcess::resize_disk(const std::string& alias, std::uint64_t size, Deadline deadline) {
    const auto arguments =
        JsonObject().text("node-name", node_of(alias, deadline)).number("size", size);
    MSHV_CRASHPOINT("vmm.resize.before");
    qemu::expect_success(qmp(qemu::qmp_command("block_resize", arguments.str()),
                             "change the size of a disk", deadline),
                         "change the size of the disk");
    MSHV_CRASHPOINT("vmm.resize.after");
}

/// Takes away blocks and files that no device of `now` has. One that is still in use, because its
/// device is leaving, refuses to go, and goes with the next sweep.
void KeeperProcess::sweep_blocks(const qemu::MakeUp& now, Deadline deadline) {
    const auto wanted = qemu::nodes_of(now);
    auto nodes = qemu::parse_names(
        qmp(qemu::qmp_command("query-named-block-nodes", JsonObject().flag("flat", true).str()),
            "look at the VMM's blocks", deadline),
        "node-name");
    std::erase_if(nodes, [&](const std::string& node) {
        return wanted.contains(node) || node.starts_with('#');
    });
    // Who reads another one goes first; that is not said, so they are tried until none goes any
    // more.
    for (bool gone = true; gone && !nodes.empty();) {
        gone = std::erase_if(nodes, [&](const std::string& node) {
                   MSHV_CRASHPOINT("vmm.sweep.before_block");
                   return qemu::error_text(
                              qmp(qemu::qmp_command("blockdev-del",
                                                    JsonObject().text("node-name", node).str()),
                                  "take away a disk's blocks", deadline))
                       .empty();
               }) > 0;
    }
    const auto kept = qemu::sets_of(now);
    for (const auto set : qemu::parse_numbers(
             qmp(qemu::qmp_command("query-fdsets"), "look at the VMM's files", deadline),
             "fdset-id")) {
        if (!kept.contains(set)) {
            MSHV_CRASHPOINT("vmm.sweep.before_file");
            (void)qmp(qemu::qmp_command(
                          "remove-fd",
                          JsonObject().number("fdset-id", static_cast<std::uint64_t>(set)).str()),
                      "take away a disk's file", deadline);
        }
    }
}

} // namespace mshv::vmm
