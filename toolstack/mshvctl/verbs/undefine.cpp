// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/target_verb.hpp"

namespace mshv::ctl::verbs {
namespace {

class Undefine final : public TargetVerb {
public:
    Undefine() : TargetVerb("undefine") {}

private:
    bool applies(const api::PartitionView& /*view*/) override { return false; }
    api::PartitionView act(Context& context, const api::Selector& selector) override {
        return context.client().undefine(selector, context.operation_deadline());
    }
};

} // namespace

std::unique_ptr<Command> make_undefine() {
    return std::make_unique<Undefine>();
}

} // namespace mshv::ctl::verbs
