// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/error.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/device_scope.hpp"
#include "toolstack/mshvctl/verbs/disk_argument.hpp"

namespace mshv::ctl::verbs {
namespace {

class BlockDetach final : public Command {
public:
    void declare(Arguments& arguments) override {
        scope_.declare(arguments);
        arguments.flag("--force", "as xl's; no VMM here can do it, and it says so", force_);
        arguments.positional("PARTITION", "the partition", ValueKind::partition, partition_);
        arguments.positional("DISK", "the disk's target or alias, as block-list shows it",
                             ValueKind::text, disk_);
    }

    void run(Context& context) override {
        const auto selector = api::Selector::parse(partition_);
        if (force_) {
            throw api::Error(api::ErrorCode::unsupported,
                             "QEMU takes no disk from a guest that does not let go of it",
                             "detach it without --force, then reset the partition");
        }
        const auto timeout = context.globals().timeout.value_or(device_timeout);
        api::DetachDiskRequest request;
        request.target = disk_target(disk_);
        request.live = scope_.live;
        request.config = scope_.config;
        request.timeout_ms = static_cast<std::uint64_t>(timeout.count());
        if (context.dry_run("detach " + request.target + " from " + selector.text)) {
            return;
        }
        const auto view =
            context.client().detach_disk(selector, request, context.operation_deadline(timeout));
        if (context.json()) {
            context.out().write(partition_document("block-detach", view));
        }
    }

private:
    std::string partition_, disk_;
    bool force_ = false;
    DeviceScope scope_;
};

} // namespace

std::unique_ptr<Command> make_block_detach() {
    return std::make_unique<BlockDetach>();
}

} // namespace mshv::ctl::verbs
