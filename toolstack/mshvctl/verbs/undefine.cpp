// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/error.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/target_verb.hpp"

namespace mshv::ctl::verbs {
namespace {

class Undefine final : public TargetVerb {
public:
    Undefine() : TargetVerb("undefine") {}

private:
    void declare_more(Arguments& arguments) override {
        arguments.flag("--if-exists", "succeed when there is none", if_exists_);
    }
    bool applies(const api::PartitionView& view) override { return view.persistent; }
    Targets::NoHits no_hits() const override {
        return if_exists_ ? Targets::NoHits::accept : Targets::NoHits::refuse;
    }
    bool forgives(Context& /*context*/, const api::Selector& /*selector*/,
                  const api::Error& error) override {
        return if_exists_ && error.code() == api::ErrorCode::not_found;
    }
    api::PartitionView act(Context& context, const api::Selector& selector) override {
        return context.client().undefine(selector, std::nullopt, context.operation_deadline());
    }

    bool if_exists_ = false;
};

} // namespace

std::unique_ptr<Command> make_undefine() {
    return std::make_unique<Undefine>();
}

} // namespace mshv::ctl::verbs
