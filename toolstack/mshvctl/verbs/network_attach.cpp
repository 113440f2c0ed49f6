// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/error.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/device_scope.hpp"
#include "toolstack/mshvctl/verbs/nic_argument.hpp"

namespace mshv::ctl::verbs {
namespace {

class NetworkAttach final : public Command {
public:
    void declare(Arguments& arguments) override {
        scope_.declare(arguments);
        arguments.positional("PARTITION", "the partition", ValueKind::partition, partition_);
        nic_.declare(arguments);
    }

    void run(Context& context) override {
        const auto selector = api::Selector::parse(partition_);
        const auto timeout = context.globals().timeout.value_or(device_timeout);
        const api::AttachNicRequest request{nic_.nic(context), scope_.live, scope_.config,
                                            static_cast<std::uint64_t>(timeout.count())};
        if (context.dry_run("attach an interface to " + selector.text)) {
            return;
        }
        const auto view =
            context.client().attach_nic(selector, request, context.operation_deadline(timeout));
        if (context.json()) {
            context.out().write(partition_document("network-attach", view));
        }
    }

private:
    std::string partition_;
    NicArgument nic_;
    DeviceScope scope_;
};

} // namespace

std::unique_ptr<Command> make_network_attach() {
    return std::make_unique<NetworkAttach>();
}

} // namespace mshv::ctl::verbs
