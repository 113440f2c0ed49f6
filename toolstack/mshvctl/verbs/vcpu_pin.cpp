// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/error.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/device_scope.hpp"

namespace mshv::ctl::verbs {
namespace {

class VcpuPin final : public Command {
public:
    void declare(Arguments& arguments) override {
        scope_.declare(arguments);
        arguments.positional("PARTITION", "the partition", ValueKind::partition, partition_);
        arguments.positional("VCPU", "the virtual processor's number, or all", ValueKind::text,
                             vcpu_);
        arguments.positional("CPUS", "processors of the host: 0-3, 0-7,^2, node:0 or all",
                             ValueKind::text, cpus_);
        arguments.positionals("SOFT", "as xl's; only - or all", ValueKind::text, soft_, 0);
    }

    void run(Context& context) override {
        const auto selector = api::Selector::parse(partition_);
        if (soft_.size() > 1) {
            throw api::Error(api::ErrorCode::usage, "vcpu-pin takes at most four words",
                             "mshvctl help vcpu-pin");
        }
        if (!soft_.empty() && soft_.front() != "-" && soft_.front() != "all") {
            throw api::Error(api::ErrorCode::unsupported,
                             "Linux knows no processors that a thread merely prefers",
                             "leave the soft affinity out, or write - or all");
        }
        api::PinVcpuRequest request;
        if (vcpu_ != "all") {
            request.vcpu = static_cast<unsigned>(parse_number(vcpu_, "VCPU", 65535));
        }
        request.cpus = cpus_;
        request.live = scope_.live;
        request.config = scope_.config;
        if (cpus_ == "-") {
            return; // xl's word for: as it is
        }
        if (context.dry_run("pin virtual processor " + vcpu_ + " of " + selector.text + " to " +
                            cpus_)) {
            return;
        }
        const auto view =
            context.client().pin_vcpu(selector, request, context.operation_deadline());
        if (context.json()) {
            context.out().write(partition_document("vcpu-pin", view));
        }
    }

private:
    std::string partition_, vcpu_, cpus_;
    std::vector<std::string> soft_;
    DeviceScope scope_;
};

} // namespace

std::unique_ptr<Command> make_vcpu_pin() {
    return std::make_unique<VcpuPin>();
}

} // namespace mshv::ctl::verbs
