// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/error.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/device_scope.hpp"
#include "toolstack/mshvctl/verbs/disk_argument.hpp"

#include <filesystem>

namespace mshv::ctl::verbs {
namespace {

class CdInsert final : public Command {
public:
    void declare(Arguments& arguments) override {
        scope_.declare(arguments);
        arguments.choice("--format", "FORMAT", "raw (the default) or qcow2; never guessed",
                         {"raw", "qcow2"}, format_);
        arguments.flag("--force", "also when the guest has locked the tray", force_);
        arguments.positional("PARTITION", "the partition", ValueKind::partition, partition_);
        arguments.positional("DRIVE", "the CD drive's target or alias, as block-list shows it",
                             ValueKind::text, drive_);
        arguments.positional("MEDIUM", "an image, or a device of the host", ValueKind::file,
                             medium_);
    }

    void run(Context& context) override {
        const auto selector = api::Selector::parse(partition_);
        if (medium_.empty()) {
            throw api::Error(api::ErrorCode::usage, "the medium has no name",
                             "cd-eject empties a drive");
        }
        const auto timeout = context.globals().timeout.value_or(device_timeout);
        api::ChangeMediumRequest request;
        request.target = drive_target(drive_);
        request.path = std::filesystem::absolute(medium_).lexically_normal().string();
        request.source =
            request.path.starts_with("/dev/") ? api::DiskSource::block : api::DiskSource::file;
        request.format = format_ == "qcow2" ? api::DiskFormat::qcow2 : api::DiskFormat::raw;
        request.force = force_;
        request.live = scope_.live;
        request.config = scope_.config;
        request.timeout_ms = static_cast<std::uint64_t>(timeout.count());
        if (context.dry_run("insert " + request.path + " into " + request.target + " of " +
                            selector.text)) {
            return;
        }
        const auto view =
            context.client().change_medium(selector, request, context.operation_deadline(timeout));
        if (context.json()) {
            context.out().write(partition_document("cd-insert", view));
        }
    }

private:
    std::string partition_, drive_, medium_, format_;
    bool force_ = false;
    DeviceScope scope_;
};

} // namespace

std::unique_ptr<Command> make_cd_insert() {
    return std::make_unique<CdInsert>();
}

} // namespace mshv::ctl::verbs
