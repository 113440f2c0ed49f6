// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/error.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/device_scope.hpp"
#include "toolstack/mshvctl/verbs/disk_argument.hpp"

namespace mshv::ctl::verbs {
namespace {

class BlockResize final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.flag("--shrink", "also when the disk becomes smaller and loses what is behind",
                       shrink_);
        arguments.positional("PARTITION", "the partition", ValueKind::partition, partition_);
        arguments.positional("DISK", "the disk's target or alias, as block-list shows it",
                             ValueKind::text, disk_);
        arguments.positional("SIZE", "the new size: bytes, or with a unit as 10G or 512MiB",
                             ValueKind::text, size_);
    }

    void run(Context& context) override {
        const auto selector = api::Selector::parse(partition_);
        const auto timeout = context.globals().timeout.value_or(device_timeout);
        const api::ResizeDiskRequest request{disk_target(disk_), parse_size(size_, "SIZE"), shrink_,
                                             static_cast<std::uint64_t>(timeout.count())};
        if (context.dry_run("give " + request.target + " of " + selector.text + " " +
                            std::to_string(request.size) + " bytes")) {
            return;
        }
        const auto view =
            context.client().resize_disk(selector, request, context.operation_deadline(timeout));
        if (context.json()) {
            context.out().write(partition_document("block-resize", view));
        }
    }

private:
    std::string partition_, disk_, size_;
    bool shrink_ = false;
};

} // namespace

std::unique_ptr<Command> make_block_resize() {
    return std::make_unique<BlockResize>();
}

} // namespace mshv::ctl::verbs
