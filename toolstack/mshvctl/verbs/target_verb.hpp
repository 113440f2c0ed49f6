// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/view.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/targets.hpp"
#include "toolstack/mshvctl/verb.hpp"

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace mshv::ctl::verbs {

/// A verb that does one thing to each of several partitions.
class TargetVerb : public Command {
public:
    /// `all_help` describes -a; empty = there is none.
    explicit TargetVerb(std::string_view name, std::string_view all_help = {})
        : name_(name), all_help_(all_help) {}

    void declare(Arguments& arguments) override;
    void run(Context& context) override;

protected:
    /// Further options.
    virtual void declare_more(Arguments& /*arguments*/) {}
    /// Do -a, -l and a pattern mean this one?
    virtual bool applies(const api::PartitionView& view) = 0;
    /// Called by several threads with --parallel.
    virtual api::PartitionView act(Context& context, const api::Selector& selector) = 0;
    /// A pattern or label that nothing fits is refused; a verb may think otherwise.
    virtual Targets::NoHits no_hits() const { return Targets::NoHits::refuse; }
    /// True when `error` of act() says what was wanted anyway.
    virtual bool forgives(Context& /*context*/, const api::Selector& /*selector*/,
                          const api::Error& /*error*/) {
        return false;
    }

    /// What `wait` is given: the partition as it was when act() returned.
    using Wait = std::function<api::PartitionView(const api::PartitionView& asked)>;
    /// In the place of run(): acts on all before any is waited for, so that they go side by side.
    /// One that act() fails for keeps nobody from waiting for the others.
    void ask_then_wait(Context& context, const Wait& wait);

    std::vector<api::Selector> targets(Context& context);

private:
    std::optional<api::PartitionView> act_or_forgive(Context& context,
                                                     const api::Selector& selector);

    std::string_view name_;
    std::string_view all_help_;
    Targets targets_;
};

/// True while a VMM stands behind the partition.
bool is_live(const api::PartitionView& view);

} // namespace mshv::ctl::verbs
