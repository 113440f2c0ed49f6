// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/error.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/device_scope.hpp"
#include "toolstack/mshvctl/verbs/disk_argument.hpp"

namespace mshv::ctl::verbs {
namespace {

class BlockAttach final : public Command {
public:
    void declare(Arguments& arguments) override {
        scope_.declare(arguments);
        arguments.positional("PARTITION", "the partition", ValueKind::partition, partition_);
        disk_.declare(arguments);
    }

    void run(Context& context) override {
        const auto selector = api::Selector::parse(partition_);
        const auto timeout = context.globals().timeout.value_or(device_timeout);
        api::AttachDiskRequest request;
        request.disk = disk_.disk(context);
        request.live = scope_.live;
        request.config = scope_.config;
        request.timeout_ms = static_cast<std::uint64_t>(timeout.count());
        if (context.dry_run("attach " + request.disk.path + " to " + selector.text)) {
            return;
        }
        const auto view =
            context.client().attach_disk(selector, request, context.operation_deadline(timeout));
        if (context.json()) {
            context.out().write(partition_document("block-attach", view));
        }
    }

private:
    std::string partition_;
    DiskArgument disk_;
    DeviceScope scope_;
};

} // namespace

std::unique_ptr<Command> make_block_attach() {
    return std::make_unique<BlockAttach>();
}

} // namespace mshv::ctl::verbs
