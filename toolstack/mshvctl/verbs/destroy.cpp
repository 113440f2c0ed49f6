// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/error.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/target_verb.hpp"

namespace mshv::ctl::verbs {
namespace {

constexpr std::chrono::seconds usual_timeout{15};

class Destroy final : public TargetVerb {
public:
    Destroy() : TargetVerb("destroy", "every partition that runs") {}

private:
    void declare_more(Arguments& arguments) override {
        arguments.duration("--graceful", "TIME", "ask the guest first, and wait so long for it",
                           graceful_);
        arguments.flag("--override", "also when the definition protects it from being destroyed",
                       override_);
        arguments.flag("--if-exists", "succeed when there is none, or it is off", if_exists_);
    }
    bool applies(const api::PartitionView& view) override { return is_live(view); }
    Targets::NoHits no_hits() const override {
        return if_exists_ ? Targets::NoHits::accept : Targets::NoHits::refuse;
    }
    bool forgives(Context& context, const api::Selector& selector,
                  const api::Error& error) override {
        if (!if_exists_) {
            return false;
        }
        if (error.code() != api::ErrorCode::wrong_state) {
            return error.code() == api::ErrorCode::not_found;
        }
        try {
            return !is_live(context.client().get(selector, context.read_deadline()));
        } catch (const api::Error& gone) {
            return gone.code() == api::ErrorCode::not_found;
        }
    }
    api::PartitionView act(Context& context, const api::Selector& selector) override {
        const auto grace = graceful_.value_or(std::chrono::milliseconds(0));
        const auto timeout = context.globals().timeout.value_or(usual_timeout);
        api::DestroyRequest request;
        request.grace_ms = static_cast<std::uint64_t>(grace.count());
        request.timeout_ms = static_cast<std::uint64_t>(timeout.count());
        request.override_protection = override_;
        return context.client().destroy(selector, request,
                                        context.operation_deadline(grace + timeout));
    }

    std::optional<std::chrono::milliseconds> graceful_;
    bool override_ = false;
    bool if_exists_ = false;
};

} // namespace

std::unique_ptr<Command> make_destroy() {
    return std::make_unique<Destroy>();
}

} // namespace mshv::ctl::verbs
