// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/guestxml/value.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/disk_argument.hpp"

#include <charconv>
#include <limits>
#include <optional>
#include <string_view>

namespace mshv::ctl::verbs {
namespace {

/// "10G", "512MiB", "1048576": bytes.
std::uint64_t bytes_of(const std::string& text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view rest(end, static_cast<std::size_t>(text.data() + text.size() - end));
    const auto unit = rest.empty() ? std::optional<std::uint64_t>(1) : guestxml::bytes_of_unit(rest);
    if (error != std::errc{} || !unit ||
        number > std::numeric_limits<std::uint64_t>::max() / *unit) {
        throw api::Error(api::ErrorCode::usage, "'" + text + "' is no size",
                         "a number of bytes, or one with a unit: 10G, 512MiB");
    }
    return number * *unit;
}

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
        const api::ResizeDiskRequest request{disk_target(disk_), bytes_of(size_), shrink_,
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
