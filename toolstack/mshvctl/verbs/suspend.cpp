// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/sleep_time.hpp"
#include "toolstack/mshvctl/verbs/target_verb.hpp"

namespace mshv::ctl::verbs {
namespace {

class Suspend final : public TargetVerb {
public:
    Suspend() : TargetVerb("suspend", "every running partition") {}

private:
    bool applies(const api::PartitionView& view) override {
        return view.state == api::State::running && !(view.runtime && view.runtime->suspended);
    }
    api::PartitionView act(Context& context, const api::Selector& selector) override {
        return sleep_in_time(context, selector, "suspend");
    }
};

} // namespace

std::unique_ptr<Command> make_suspend() {
    return std::make_unique<Suspend>();
}

} // namespace mshv::ctl::verbs
