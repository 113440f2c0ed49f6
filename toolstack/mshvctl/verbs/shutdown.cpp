// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/progress.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/ladder.hpp"
#include "toolstack/mshvctl/verbs/target_verb.hpp"
#include "toolstack/mshvctl/waiting.hpp"

namespace mshv::ctl::verbs {
namespace {

/// After the ladder's own time-out: for the destroy that may follow, and for the answer.
constexpr std::chrono::seconds slack{20};

class Shutdown final : public TargetVerb {
public:
    Shutdown() : TargetVerb("shutdown", "every partition that runs") {}

    void run(Context& context) override {
        if (wait_) {
            ask_then_wait(context, [&](const api::PartitionView& asked) {
                return wait_for_end(context, asked);
            });
        } else {
            TargetVerb::run(context);
        }
    }

private:
    void declare_more(Arguments& arguments) override {
        arguments.flag("-w,--wait", "return when the partitions have ended", wait_);
        ladder_.declare(arguments);
    }
    bool applies(const api::PartitionView& view) override { return is_live(view); }

    api::PartitionView act(Context& context, const api::Selector& selector) override {
        return context.client().shutdown(selector, ladder_.request(context.globals()),
                                         context.operation_deadline());
    }

    api::PartitionView wait_for_end(Context& context, const api::PartitionView& asked) {
        // By UUID from now on: a name may be another's before the wait is over, and the daemon
        // still knows the UUID of a transient partition that has ended already.
        const api::Selector selector{api::Selector::Kind::uuid, api::to_string(asked.uuid)};
        const std::string& name = asked.name;
        auto states = ended_states();
        if (asked.state == api::State::stopping) {
            // Back in one of these, the ladder was given up.
            states.insert(states.end(), {api::State::running, api::State::paused});
        }
        states.push_back(api::State::stuck);
        Progress progress("waiting for " + name + " to stop",
                          "the shutdown of " + name + " goes on");
        const auto ladder_time = ladder_.timeout(context, selector);
        const auto view = wait_with_progress(context, selector, states,
                                             posix::Deadline::after(ladder_time + slack), progress);
        if (view.state == api::State::stuck) {
            throw api::Error(api::ErrorCode::failed,
                             name + " was killed but is stuck in the kernel",
                             "mshvctl info " + name + " shows its process");
        }
        if (view.state == api::State::running || view.state == api::State::paused) {
            throw api::Error(api::ErrorCode::timeout, name + " did not shut itself down in time",
                             "mshvctl destroy " + name + " ends it, or give --escalate destroy");
        }
        return view;
    }

    bool wait_ = false;
    Ladder ladder_;
};

} // namespace

std::unique_ptr<Command> make_shutdown() {
    return std::make_unique<Shutdown>();
}

} // namespace mshv::ctl::verbs
