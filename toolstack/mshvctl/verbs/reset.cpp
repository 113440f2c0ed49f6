// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/target_verb.hpp"

namespace mshv::ctl::verbs {
namespace {

class Reset final : public TargetVerb {
public:
    Reset() : TargetVerb("reset") {}

private:
    bool applies(const api::PartitionView& view) override { return is_live(view); }
    api::PartitionView act(Context& context, const api::Selector& selector) override {
        return context.client().act(selector, "reset", context.operation_deadline());
    }
};

} // namespace

std::unique_ptr<Command> make_reset() {
    return std::make_unique<Reset>();
}

} // namespace mshv::ctl::verbs
