// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/escape.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"

namespace mshv::ctl::verbs {
namespace {

class Domid final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.positional("PARTITION", "name, number or UUID", ValueKind::partition, partition_);
    }

    void run(Context& context) override {
        const auto selector = api::Selector::parse(partition_);
        const auto view = context.client().get(selector, context.read_deadline());
        if (context.json()) {
            context.out().write(partition_document("domid", view));
        } else {
            context.out().line(std::to_string(view.id));
        }
    }

private:
    std::string partition_;
};

} // namespace

std::unique_ptr<Command> make_domid() {
    return std::make_unique<Domid>();
}

} // namespace mshv::ctl::verbs
