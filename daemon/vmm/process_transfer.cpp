// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/process.hpp"

#include "daemon/vmm/qemu/json.hpp"
#include "daemon/vmm/qemu/migration.hpp"
#include "daemon/vmm/qemu/qmp.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"

#include <algorithm>
#include <array>

// The part of a VmmProcess that concerns the guest's state, or its memory, in a file.

namespace mshv::vmm {
namespace {

using keeper::Message;

constexpr const char* name_in_vmm = "mshv-state";
/// Bytes a second that QEMU shall not be below: more than any disk does.
constexpr std::uint64_t no_limit = std::uint64_t{1} << 40U;

qemu::Version version_of(const std::string& vmm) {
    constexpr std::string_view prefix = "qemu ";
    return qemu::Version::parse(vmm.starts_with(prefix) ? vmm.substr(prefix.size()) : vmm)
        .value_or(qemu::Version{});
}

} // namespace

void KeeperProcess::refuse_old_keeper(const std::string& what, Deadline deadline) {
    const Message status = link_->ask(Message("status"), "ask for the state", deadline);
    if (!status.flag("qmp_fd")) {
        throw api::Error(api::ErrorCode::unsupported,
                         "The keeper of the partition is of an older version, and cannot " + what,
                         "after the partition's next start it can");
    }
}

std::string KeeperProcess::prepare_save(Deadline deadline) {
    refuse_if_lacking("save", "save the partition");
    refuse_old_keeper("save it", deadline);
    const std::string blockers = qemu::parse_blockers(
        qmp(qemu::qmp_command("query-migrate"), "ask what is in the way of a save", deadline));
    if (!blockers.empty()) {
        throw api::Error(api::ErrorCode::unsupported,
                         "The VMM cannot save the partition: " + blockers);
    }
    const auto type = qemu::JsonObject().text("path", "/machine").text("property", "type");
    return qemu::parse_machine(
        qmp(qemu::qmp_command("qom-get", type.str()), "ask for the machine type", deadline));
}

std::string KeeperProcess::qmp_with(std::string_view command, const Fd& fd, std::string_view what,
                                    Deadline deadline) {
    const std::array<int, 1> fds{fd.get()};
    try {
        const Message answer =
            link_->call(Message("qmp-fd").set("command", command), fds, deadline);
        if (answer.word != "ok") {
            throw to_error(answer, what);
        }
        return answer.text("json");
    } catch (const posix::TimedOut& late) {
        throw api::Error(api::ErrorCode::timeout,
                         "Cannot " + std::string(what) + " in the time allowed: " + late.what());
    }
}

/// Begins a transfer over `file` from `offset` on: `command` is migrate or migrate-incoming.
void KeeperProcess::transfer_over(std::string_view command, const Fd& file, std::int64_t offset,
                                  std::string_view what, Deadline deadline) {
    const auto begin = [&](const std::string& uri) {
        const auto arguments = qemu::JsonObject().text("uri", uri);
        qemu::expect_success(qmp(qemu::qmp_command(command, arguments.str()), what, deadline),
                             what);
    };
    if (version_of(note_.vmm_version) < qemu::first_with_files_only) {
        posix::check(::lseek(file.get(), offset, SEEK_SET) < 0 ? -1 : 0, "seek in the file");
        const auto name = qemu::JsonObject().text("fdname", name_in_vmm);
        qemu::expect_success(
            qmp_with(qemu::qmp_command("getfd", name.str()), file, what, deadline), what);
        begin("fd:" + std::string(name_in_vmm));
        return;
    }
    const auto set = qemu::parse_fdset(qmp_with(qemu::qmp_command("add-fd"), file, what, deadline));
    begin("file:/dev/fdset/" + std::to_string(set) + ",offset=" + std::to_string(offset));
    // The transfer has its own duplicate now.
    const auto id = qemu::JsonObject().number("fdset-id", static_cast<std::uint64_t>(set));
    qemu::expect_success(qmp(qemu::qmp_command("remove-fd", id.str()), what, deadline), what);
}

void KeeperProcess::save_to(const Fd& file, std::int64_t offset, Deadline deadline) {
    constexpr std::string_view what = "save the partition";
    const auto limit = qemu::JsonObject().number("max-bandwidth", no_limit);
    qemu::expect_success(
        qmp(qemu::qmp_command("migrate-set-parameters", limit.str()), what, deadline), what);
    MSHV_CRASHPOINT("save.before");
    transfer_over("migrate", file, offset, what, deadline);
    MSHV_CRASHPOINT("save.after");
}

void KeeperProcess::load_from(const Fd& file, std::int64_t offset, Deadline deadline) {
    MSHV_CRASHPOINT("restore.load_before");
    transfer_over("migrate-incoming", file, offset, "restore the partition", deadline);
    MSHV_CRASHPOINT("restore.load_after");
}

Transfer KeeperProcess::transfer(Deadline deadline) {
    return qemu::parse_transfer(
        qmp(qemu::qmp_command("query-migrate"), "ask for the state's transfer", deadline));
}

void KeeperProcess::cancel_transfer(Deadline deadline) {
    MSHV_CRASHPOINT("save.cancel_transfer_before");
    qemu::expect_success(
        qmp(qemu::qmp_command("migrate_cancel"), "cancel the state's transfer", deadline),
        "cancel the state's transfer");
    MSHV_CRASHPOINT("save.cancel_transfer_after");
}

void KeeperProcess::prepare_dump(api::DumpFormat format, Deadline deadline) {
    refuse_old_keeper("dump it", deadline);
    const auto formats =
        qemu::parse_dump_formats(qmp(qemu::qmp_command("query-dump-guest-memory-capability"),
                                     "ask how memory can be dumped", deadline));
    const std::string name(api::to_name(format));
    if (std::find(formats.begin(), formats.end(), name) == formats.end()) {
        std::string known;
        for (const auto& each : formats) {
            known += (known.empty() ? "" : ", ") + each;
        }
        throw api::Error(api::ErrorCode::unsupported,
                         "The VMM cannot write the partition's memory as " + name,
                         known.empty() ? "" : "it knows " + known);
    }
}

void KeeperProcess::dump_to(const Fd& file, api::DumpFormat format, Deadline deadline) {
    constexpr std::string_view what = "dump the partition's memory";
    constexpr const char* name = "mshv-dump";
    const auto named = qemu::JsonObject().text("fdname", name);
    qemu::expect_success(qmp_with(qemu::qmp_command("getfd", named.str()), file, what, deadline),
                         what);
    const auto arguments = qemu::JsonObject()
                               .flag("paging", false)
                               .text("protocol", "fd:" + std::string(name))
                               .flag("detach", true)
                               .text("format", api::to_name(format));
    MSHV_CRASHPOINT("dump.vmm_before");
    qemu::expect_success(
        qmp(qemu::qmp_command("dump-guest-memory", arguments.str()), what, deadline), what);
    MSHV_CRASHPOINT("dump.vmm_after");
}

Transfer KeeperProcess::dump(Deadline deadline) {
    return qemu::parse_dump(
        qmp(qemu::qmp_command("query-dump"), "ask how far the dump is", deadline));
}

} // namespace mshv::vmm
