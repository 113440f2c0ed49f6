// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/device_scope.hpp"
#include "toolstack/mshvctl/verbs/disk_argument.hpp"

namespace mshv::ctl::verbs {
namespace {

class CdEject final : public Command {
public:
    void declare(Arguments& arguments) override {
        scope_.declare(arguments);
        arguments.flag("--force", "also when the guest has locked the tray", force_);
        arguments.positional("PARTITION", "the partition", ValueKind::partition, partition_);
        arguments.positional("DRIVE", "the CD drive's target or alias, as block-list shows it",
                             ValueKind::text, drive_);
    }

    void run(Context& context) override {
        const auto selector = api::Selector::parse(partition_);
        const auto timeout = context.globals().timeout.value_or(device_timeout);
        api::ChangeMediumRequest request;
        request.target = drive_target(drive_);
        request.force = force_;
        request.live = scope_.live;
        request.config = scope_.config;
        request.timeout_ms = static_cast<std::uint64_t>(timeout.count());
        if (context.dry_run("empty " + request.target + " of " + selector.text)) {
            return;
        }
        const auto view =
            context.client().change_medium(selector, request, context.operation_deadline(timeout));
        if (context.json()) {
            context.out().write(partition_document("cd-eject", view));
        }
    }

private:
    std::string partition_, drive_;
    bool force_ = false;
    DeviceScope scope_;
};

} // namespace

std::unique_ptr<Command> make_cd_eject() {
    return std::make_unique<CdEject>();
}

} // namespace mshv::ctl::verbs
