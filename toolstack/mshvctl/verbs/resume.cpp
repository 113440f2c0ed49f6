// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/sleep_time.hpp"
#include "toolstack/mshvctl/verbs/target_verb.hpp"

namespace mshv::ctl::verbs {
namespace {

class Resume final : public TargetVerb {
public:
    Resume() : TargetVerb("resume", "every suspended partition") {}

private:
    bool applies(const api::PartitionView& view) override {
        return view.runtime && view.runtime->suspended;
    }
    api::PartitionView act(Context& context, const api::Selector& selector) override {
        return sleep_in_time(context, selector, "resume");
    }
};

} // namespace

std::unique_ptr<Command> make_resume() {
    return std::make_unique<Resume>();
}

} // namespace mshv::ctl::verbs
