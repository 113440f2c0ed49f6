// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/progress.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/ladder.hpp"
#include "toolstack/mshvctl/verbs/target_verb.hpp"

#include <algorithm>
#include <map>
#include <mutex>

namespace mshv::ctl::verbs {
namespace {

class Reboot final : public TargetVerb {
public:
    Reboot() : TargetVerb("reboot", "every partition that runs") {}

    void run(Context& context) override {
        if (wait_) {
            ask_then_wait(context, [&](const api::PartitionView& asked) {
                return wait_for_respawn(context, asked);
            });
        } else {
            TargetVerb::run(context);
        }
    }

private:
    void declare_more(Arguments& arguments) override {
        arguments.flag("-w,--wait", "return when the partitions run again", wait_);
        arguments.flag("--hard", "do not ask the guest: the same as mshvctl reset", hard_);
        ladder_.declare(arguments);
    }
    bool applies(const api::PartitionView& view) override { return is_live(view); }

    api::PartitionView act(Context& context, const api::Selector& selector) override {
        api::PartitionView before;
        if (wait_) {
            before = context.client().get(selector, context.read_deadline());
        }
        auto view = hard_ ? context.client().act(selector, "reset", context.operation_deadline())
                          : context.client().reboot(selector, ladder_.request(context.globals()),
                                                    context.operation_deadline());
        if (wait_) {
            const std::scoped_lock lock(mutex_);
            before_.emplace(view.id, std::move(before));
        }
        return view;
    }

    /// The guest runs again when its VMM is a later generation. Events wake the wait.
    api::PartitionView wait_for_respawn(Context& context, const api::PartitionView& asked) {
        const api::Selector selector{api::Selector::Kind::number, std::to_string(asked.id)};
        const auto& before = before_.at(asked.id);
        const std::int64_t generation = before.runtime ? before.runtime->generation : 0;
        Progress progress("waiting for " + before.name + " to reboot",
                          "the reboot of " + before.name + " goes on");
        const auto deadline =
            posix::Deadline::after(ladder_.timeout(context, selector) + std::chrono::seconds(20));
        std::int64_t since = 0;
        while (!deadline.expired()) {
            const auto view = context.client().get(selector, context.read_deadline());
            if (view.runtime && view.runtime->generation > generation &&
                view.state == api::State::running) {
                return view;
            }
            if (!is_live(view)) {
                throw api::Error(api::ErrorCode::failed,
                                 before.name + " ended instead of rebooting: " +
                                     std::string(api::to_name(view.reason)));
            }
            progress.update(api::to_name(view.state));
            const auto patience =
                std::min(progress.patience(), std::chrono::milliseconds(deadline.poll_timeout()));
            since = context.client()
                        .events(since, 1000, selector, patience,
                                posix::Deadline::after(patience + std::chrono::seconds(10)))
                        .last_seq;
        }
        throw api::Error(api::ErrorCode::timeout, before.name + " has not rebooted in time",
                         "mshvctl reset " + before.name + " restarts it without asking");
    }

    bool wait_ = false;
    bool hard_ = false;
    Ladder ladder_;
    std::mutex mutex_;
    std::map<api::PartitionNumber, api::PartitionView> before_;
};

} // namespace

std::unique_ptr<Command> make_reboot() {
    return std::make_unique<Reboot>();
}

} // namespace mshv::ctl::verbs
