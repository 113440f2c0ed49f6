// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/device_scope.hpp"

#include <chrono>

namespace mshv::ctl::verbs {
namespace {

/// A guest that is busy takes its time to move what ran on a processor.
constexpr std::chrono::milliseconds guest_time{30'000};
constexpr std::uint64_t most_vcpus = 65'535;

class VcpuSet final : public Command {
public:
    void declare(Arguments& arguments) override {
        scope_.declare(arguments);
        arguments.flag("--maximum", "how many it can have, with its next start", maximum_);
        arguments.flag("-i,--ignore-host", "also more than this host has processors", ignore_host_);
        arguments.positional("PARTITION", "the partition", ValueKind::partition, partition_);
        arguments.positional("COUNT", "how many", ValueKind::text, count_);
    }

    void run(Context& context) override {
        const auto selector = api::Selector::parse(partition_);
        api::SetVcpusRequest request;
        request.count = static_cast<unsigned>(parse_number(count_, "COUNT", most_vcpus));
        request.maximum = maximum_;
        request.ignore_host = ignore_host_;
        request.live = scope_.live;
        request.config = scope_.config;
        if (context.dry_run("give " + selector.text + " " + std::to_string(request.count) +
                            " virtual processors" + (maximum_ ? " at most" : ""))) {
            return;
        }
        const auto timeout = context.globals().timeout.value_or(guest_time);
        request.timeout_ms = static_cast<std::uint64_t>(timeout.count());
        // It may ask the guest's agent before and after.
        const auto view = context.client().set_vcpus(
            selector, request, context.operation_deadline(timeout + guest_time));
        if (context.json()) {
            context.out().write(partition_document("vcpu-set", view));
        }
    }

private:
    std::string partition_, count_;
    bool maximum_ = false, ignore_host_ = false;
    DeviceScope scope_;
};

} // namespace

std::unique_ptr<Command> make_vcpu_set() {
    return std::make_unique<VcpuSet>();
}

} // namespace mshv::ctl::verbs
