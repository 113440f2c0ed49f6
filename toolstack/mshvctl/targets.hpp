// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/identity.hpp"
#include "toolstack/libs/api/view.hpp"
#include "toolstack/mshvctl/arguments.hpp"

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace mshv::ctl {

class Context;

/// The partitions that a verb works on: named ones, or with -a all to which it applies.
class Targets {
public:
    /// `all_help` describes -a; empty = the verb has no -a.
    void declare(Arguments& arguments, std::string_view all_help = {});

    /// The selectors, at least one of them named or else taken from the list: those of the
    /// partitions for which `applies`. Throws usage for an empty name, for root, for no name
    /// without -a, and for both. With -a there may be none.
    std::vector<api::Selector>
    resolve(Context& context, const std::function<bool(const api::PartitionView&)>& applies);

    [[nodiscard]] bool all() const { return all_; }

private:
    std::vector<std::string> names_;
    bool all_ = false;
};

/// Every word of `names` as a selector; throws usage before anything is done with the first.
std::vector<api::Selector> parse_selectors(std::span<const std::string> names);

/// What became of one target.
struct Outcome {
    std::string target;
    std::optional<api::PartitionView> view; ///< with success
    std::optional<api::Error> error;
};

/// Does `work` on each target, goes on after failures, and reports: with --json all outcomes on
/// standard output, else one line for each failure. Throws the only target's error itself, the
/// common error when all failed alike, and Error{partial} when some succeeded.
void for_each_target(Context& context, std::string_view verb,
                     std::span<const api::Selector> targets,
                     const std::function<api::PartitionView(const api::Selector&)>& work);

/// The error that `outcomes` amount to; nothing when all succeeded.
std::optional<api::Error> combined_error(std::span<const Outcome> outcomes);

} // namespace mshv::ctl
