// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/console/console.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/target_verb.hpp"

#include <mutex>
#include <optional>

namespace mshv::ctl::verbs {
namespace {

constexpr std::chrono::seconds usual_timeout{60};

class Start final : public TargetVerb {
public:
    Start() : TargetVerb("start", "every defined partition that is off") {}

    void run(Context& context) override {
        TargetVerb::run(context);
        if (console_ && started_ && !context.globals().dry_run) {
            ConsoleOptions options;
            options.replay = replay_all;
            run_console(context, *started_, options);
        }
    }

private:
    void declare_more(Arguments& arguments) override {
        arguments.flag("-c,--console",
                       "attach to the console of the partition, from its first byte", console_);
        arguments.flag("-p,--paused", "leave it paused before its first instruction", paused_);
        arguments.flag("--force", "from its saved state although disks have changed since", force_);
        arguments.flag("--saved", "of these, those that have a saved state", saved_);
        arguments.flag("--discard-saved", "boot it; its saved state is removed", discard_saved_);
    }
    bool applies(const api::PartitionView& view) override {
        return !is_live(view) && (!saved_ || view.saved);
    }

    api::PartitionView act(Context& context, const api::Selector& selector) override {
        if (console_) {
            const std::scoped_lock lock(mutex_);
            if (started_) {
                throw api::Error(api::ErrorCode::usage, "-c wants one partition");
            }
            started_ = selector;
        }
        const auto timeout = context.globals().timeout.value_or(usual_timeout);
        const api::StartRequest request{paused_, force_, discard_saved_,
                                        static_cast<std::uint64_t>(timeout.count())};
        return context.client().start(selector, request, context.operation_deadline(timeout));
    }

    bool console_ = false;
    bool paused_ = false;
    bool force_ = false;
    bool discard_saved_ = false;
    bool saved_ = false;
    std::mutex mutex_;
    std::optional<api::Selector> started_; ///< whose console is wanted
};

} // namespace

std::unique_ptr<Command> make_start() {
    return std::make_unique<Start>();
}

} // namespace mshv::ctl::verbs
