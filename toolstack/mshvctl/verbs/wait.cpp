// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/waiting.hpp"

#include "toolstack/libs/api/error.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/progress.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/states.hpp"

namespace mshv::ctl::verbs {
namespace {

class Wait final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.custom(
            states_option("--state", "the states to wait for, separated by commas", states_));
        arguments.positional("PARTITION", "the partition", ValueKind::partition, partition_);
    }

    void run(Context& context) override {
        const auto selector = api::Selector::parse(partition_);
        const auto& timeout = context.globals().timeout;
        const auto deadline = timeout ? posix::Deadline::after(*timeout) : posix::Deadline::never();
        Progress progress("waiting for " + selector.text, "no longer waiting for " + selector.text);
        const auto view = wait_with_progress(
            context, selector, states_.empty() ? ended_states() : states_, deadline, progress);
        if (context.json()) {
            context.out().write(partition_document("wait", view));
        } else if (context.globals().verbose) {
            context.out().line(std::string(api::to_name(view.state)) + " (" +
                               std::string(api::to_name(view.reason)) + ")");
        }
    }

private:
    std::string partition_;
    std::vector<api::State> states_;
};

} // namespace

std::unique_ptr<Command> make_wait() {
    return std::make_unique<Wait>();
}

} // namespace mshv::ctl::verbs
