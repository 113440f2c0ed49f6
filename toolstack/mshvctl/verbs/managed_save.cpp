// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/job_wait.hpp"
#include "toolstack/mshvctl/progress.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/target_verb.hpp"

#include <mutex>
#include <optional>

namespace mshv::ctl::verbs {
namespace {

class ManagedSave final : public TargetVerb {
public:
    ManagedSave() : TargetVerb("managed-save", "every persistent partition that runs") {}

private:
    bool applies(const api::PartitionView& view) override {
        return view.persistent &&
               (view.state == api::State::running || view.state == api::State::paused);
    }

    api::PartitionView act(Context& context, const api::Selector& selector) override {
        // There is one line for progress: the first of several has it.
        const std::unique_lock lock(line_, std::try_to_lock);
        std::optional<Progress> progress;
        if (lock) {
            progress.emplace("saving " + selector.text, "the save of " + selector.text +
                                                            " goes on; mshvctl jobs shows it");
        }
        const auto job = wait_for_job(
            context, context.client().save(selector, {}, context.operation_deadline()),
            progress ? &*progress : nullptr);
        return context.client().get({api::Selector::Kind::uuid, api::to_string(job.uuid)},
                                    context.read_deadline());
    }

    std::mutex line_;
};

class ManagedSaveRemove final : public TargetVerb {
public:
    ManagedSaveRemove() : TargetVerb("managed-save-remove", "every partition that has one") {}

private:
    bool applies(const api::PartitionView& view) override { return view.saved; }
    api::PartitionView act(Context& context, const api::Selector& selector) override {
        return context.client().drop_saved(selector, context.operation_deadline());
    }
};

} // namespace

std::unique_ptr<Command> make_managed_save() {
    return std::make_unique<ManagedSave>();
}

std::unique_ptr<Command> make_managed_save_remove() {
    return std::make_unique<ManagedSaveRemove>();
}

} // namespace mshv::ctl::verbs
