// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/error.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/device_scope.hpp"
#include "toolstack/mshvctl/verbs/nic_argument.hpp"

namespace mshv::ctl::verbs {
namespace {

class NetworkLink final : public Command {
public:
    void declare(Arguments& arguments) override {
        scope_.declare(arguments);
        arguments.positional("PARTITION", "the partition", ValueKind::partition, partition_);
        arguments.positional("INTERFACE", "its Idx, MAC address or alias, as network-list shows it",
                             ValueKind::text, nic_);
        arguments.positional("STATE", "up or down", ValueKind::text, state_);
    }

    void run(Context& context) override {
        const auto selector = api::Selector::parse(partition_);
        if (state_ != "up" && state_ != "down") {
            throw api::Error(api::ErrorCode::usage, "'" + state_ + "' is no state of a link",
                             "up or down");
        }
        const auto timeout = context.globals().timeout.value_or(device_timeout);
        const api::SetLinkRequest request{nic_target(nic_), state_ == "up", scope_.live,
                                          scope_.config,
                                          static_cast<std::uint64_t>(timeout.count())};
        if (context.dry_run("set the link of " + request.target + " of " + selector.text + " " +
                            state_)) {
            return;
        }
        const auto view =
            context.client().set_link(selector, request, context.operation_deadline(timeout));
        if (context.json()) {
            context.out().write(partition_document("network-link", view));
        }
    }

private:
    std::string partition_, nic_, state_;
    DeviceScope scope_;
};

} // namespace

std::unique_ptr<Command> make_network_link() {
    return std::make_unique<NetworkLink>();
}

} // namespace mshv::ctl::verbs
