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

/// Partitions chosen by what they are called or labelled.
class Choice {
public:
    void declare(Arguments& arguments, std::string_view names);
    /// Takes the patterns out of `words`: a name holds none of *?[ and a pattern at least one.
    void take_patterns(std::vector<std::string>& words);
    /// Throws usage for a label that is none.
    void check() const;

    [[nodiscard]] bool by_label() const { return !labels_.empty(); }
    [[nodiscard]] bool by_pattern() const { return !patterns_.empty(); }
    /// Has every label, and a name that fits one of the patterns when there are any.
    [[nodiscard]] bool fits(const api::PartitionView& view) const;
    /// Throws not_found for a pattern, or a set of labels, that none of `views` fits.
    void require_hits(std::span<const api::PartitionView> views) const;

private:
    [[nodiscard]] bool is_labelled(const api::PartitionView& view) const;

    std::vector<std::string> labels_; ///< KEY or KEY=VALUE
    std::vector<std::string> patterns_;
};

/// The partitions that a verb works on: named ones, those that fit a pattern or have a label, or
/// with -a all to which it applies.
class Targets {
public:
    /// `all_help` describes -a; empty = the verb has no -a.
    void declare(Arguments& arguments, std::string_view all_help = {});

    /// What becomes of a pattern or label that nothing fits.
    enum class NoHits { refuse, accept };
    /// The selectors, at least one of them named or else taken from the list: those of the
    /// partitions for which `applies`. Throws usage for an empty name, for root, for no name
    /// without a choice, and for names beside one. With a choice there may be none.
    std::vector<api::Selector>
    resolve(Context& context, const std::function<bool(const api::PartitionView&)>& applies,
            NoHits no_hits = NoHits::refuse);

    [[nodiscard]] bool all() const { return all_; }
    /// At so many at a time is worked.
    [[nodiscard]] std::size_t parallel() const;

private:
    std::vector<std::string> names_;
    Choice choice_;
    std::optional<std::uint64_t> parallel_;
    bool all_ = false;
};

/// Every word of `names` as a selector; throws usage before anything is done with the first.
std::vector<api::Selector> parse_selectors(std::span<const std::string> names);

/// What became of one target.
struct Outcome {
    std::string target;
    std::optional<api::PartitionView> view; ///< with success, unless there was nothing to do
    std::optional<api::Error> error;
};

/// What is done to one target; nothing when there is none, and that is well. The context is the
/// worker's own: its connection to the daemon, and nothing to print with.
using Work =
    std::function<std::optional<api::PartitionView>(Context& context, const api::Selector& target)>;

/// Does `work` on each target, `parallel` at a time, goes on after failures, and reports: with
/// --json all outcomes on standard output, else one line for each failure. Throws the only target's
/// error itself, the common error when all failed alike, and Error{partial} when some succeeded.
void for_each_target(Context& context, std::string_view verb,
                     std::span<const api::Selector> targets, std::size_t parallel,
                     const Work& work);

/// The first half of for_each_target: in the order of the targets. Failures among several are told
/// at once, or left to the caller.
enum class Tell { at_once, later };
std::vector<Outcome> work_on(Context& context, std::span<const api::Selector> targets,
                             std::size_t parallel, const Work& work, Tell tell = Tell::at_once);

/// The error that `outcomes` amount to; nothing when all succeeded.
std::optional<api::Error> combined_error(std::span<const Outcome> outcomes);

} // namespace mshv::ctl
