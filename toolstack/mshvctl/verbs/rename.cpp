// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/error.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"

namespace mshv::ctl::verbs {
namespace {

class Rename final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.positional("PARTITION", "the partition", ValueKind::partition, partition_);
        arguments.positional("NEW-NAME", "its name from now on", ValueKind::text, name_);
    }

    void run(Context& context) override {
        const auto selector = api::Selector::parse(partition_);
        if (const auto why = api::why_bad_name(name_)) {
            throw api::Error(api::ErrorCode::usage, "'" + name_ + "' cannot be a name", *why);
        }
        if (context.dry_run("rename " + selector.text + " to " + name_)) {
            return;
        }
        const auto view = context.client().rename(selector, name_, context.operation_deadline());
        if (context.json()) {
            context.out().write(partition_document("rename", view));
        }
    }

private:
    std::string partition_;
    std::string name_;
};

} // namespace

std::unique_ptr<Command> make_rename() {
    return std::make_unique<Rename>();
}

} // namespace mshv::ctl::verbs
