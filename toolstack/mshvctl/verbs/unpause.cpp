// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/target_verb.hpp"

namespace mshv::ctl::verbs {
namespace {

class Unpause final : public TargetVerb {
public:
    Unpause() : TargetVerb("unpause", "every paused partition") {}

private:
    bool applies(const api::PartitionView& view) override {
        return view.state == api::State::paused;
    }
    api::PartitionView act(Context& context, const api::Selector& selector) override {
        return context.client().act(selector, "unpause", context.operation_deadline());
    }
};

} // namespace

std::unique_ptr<Command> make_unpause() {
    return std::make_unique<Unpause>();
}

} // namespace mshv::ctl::verbs
