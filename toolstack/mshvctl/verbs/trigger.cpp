// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/error.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"

namespace mshv::ctl::verbs {
namespace {

class Trigger final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.positional("PARTITION", "the partition", ValueKind::partition, partition_);
        Positional what;
        what.name = "EVENT";
        what.help = "nmi, reset, power, sleep or s3resume";
        what.kind = ValueKind::choice;
        for (const auto& [trigger, name] : api::EnumNames<api::Trigger>::names) {
            what.choices.push_back(name);
        }
        what.store = [this](std::string_view word) {
            trigger_ = *api::from_name<api::Trigger>(word);
        };
        arguments.custom(std::move(what));
    }

    void run(Context& context) override {
        const auto selector = api::Selector::parse(partition_);
        if (context.dry_run("trigger " + std::string(api::to_name(trigger_)) + " in " +
                            selector.text)) {
            return;
        }
        const auto view =
            context.client().trigger(selector, trigger_, context.operation_deadline());
        if (context.json()) {
            context.out().write(partition_document("trigger", view));
        }
    }

private:
    std::string partition_;
    api::Trigger trigger_ = api::Trigger::power;
};

} // namespace

std::unique_ptr<Command> make_trigger() {
    return std::make_unique<Trigger>();
}

} // namespace mshv::ctl::verbs
