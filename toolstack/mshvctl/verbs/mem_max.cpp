// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/device_scope.hpp"

namespace mshv::ctl::verbs {
namespace {

class MemMax final : public Command {
public:
    void declare(Arguments& arguments) override {
        scope_.declare(arguments);
        arguments.positional("PARTITION", "the partition", ValueKind::partition, partition_);
        arguments.positional("SIZE", "MiB, or with a unit as 4G", ValueKind::text, size_);
    }

    void run(Context& context) override {
        const auto selector = api::Selector::parse(partition_);
        api::SetMemoryRequest request;
        request.size = parse_memory(size_, "SIZE");
        request.maximum = true;
        request.live = scope_.live;
        request.config = scope_.config;
        if (context.dry_run("give " + selector.text + " " + std::to_string(request.size) +
                            " bytes of memory with its next start")) {
            return;
        }
        const auto view =
            context.client().set_memory(selector, request, context.operation_deadline());
        if (context.json()) {
            context.out().write(partition_document("mem-max", view));
        }
    }

private:
    std::string partition_, size_;
    DeviceScope scope_;
};

} // namespace

std::unique_ptr<Command> make_mem_max() {
    return std::make_unique<MemMax>();
}

} // namespace mshv::ctl::verbs
