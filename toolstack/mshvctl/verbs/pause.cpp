// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/target_verb.hpp"

namespace mshv::ctl::verbs {
namespace {

class Pause final : public TargetVerb {
public:
    Pause() : TargetVerb("pause", "every running partition") {}

private:
    bool applies(const api::PartitionView& view) override {
        return view.state == api::State::running && !(view.runtime && view.runtime->suspended);
    }
    api::PartitionView act(Context& context, const api::Selector& selector) override {
        return context.client().act(selector, "pause", context.operation_deadline());
    }
};

} // namespace

std::unique_ptr<Command> make_pause() {
    return std::make_unique<Pause>();
}

} // namespace mshv::ctl::verbs
