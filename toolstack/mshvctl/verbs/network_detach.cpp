// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/error.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/device_scope.hpp"
#include "toolstack/mshvctl/verbs/nic_argument.hpp"

namespace mshv::ctl::verbs {
namespace {

class NetworkDetach final : public Command {
public:
    void declare(Arguments& arguments) override {
        scope_.declare(arguments);
        arguments.positional("PARTITION", "the partition", ValueKind::partition, partition_);
        arguments.positional("INTERFACE", "its Idx, MAC address or alias, as network-list shows it",
                             ValueKind::text, nic_);
    }

    void run(Context& context) override {
        const auto selector = api::Selector::parse(partition_);
        const auto timeout = context.globals().timeout.value_or(device_timeout);
        const api::DetachNicRequest request{nic_target(nic_), scope_.live, scope_.config,
                                            static_cast<std::uint64_t>(timeout.count())};
        if (context.dry_run("detach " + request.target + " from " + selector.text)) {
            return;
        }
        const auto view =
            context.client().detach_nic(selector, request, context.operation_deadline(timeout));
        if (context.json()) {
            context.out().write(partition_document("network-detach", view));
        }
    }

private:
    std::string partition_, nic_;
    DeviceScope scope_;
};

} // namespace

std::unique_ptr<Command> make_network_detach() {
    return std::make_unique<NetworkDetach>();
}

} // namespace mshv::ctl::verbs
