// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/revision.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/document.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mshv::ctl::verbs {

struct ApplyOptions {
    std::string path; ///< file, folder or "-"
    std::string owner;
    bool prune = false;
    bool start = false;
    DocumentOptions document;
};

/// What one file, or one partition without a file any more, asks for.
struct ApplyItem {
    enum class Action { none, create, update, recreate, remove };
    Action action = Action::none;
    std::string file; ///< empty with remove
    Document document;
    api::Plan plan; ///< with remove, only the partition
    bool start = false;

    [[nodiscard]] const std::string& name() const { return plan.name; }
};

std::string_view to_word(ApplyItem::Action action);

/// All of an apply, before anything is done.
struct ApplyPlan {
    std::string owner; ///< the mark of what it makes; empty = none
    std::vector<ApplyItem> items;

    [[nodiscard]] std::size_t count(ApplyItem::Action action) const;
    /// It takes something away that cannot be had back by another apply.
    [[nodiscard]] bool destroys() const;
};

/// Reads and checks every file, and asks the daemon what each would change. Throws, with all faults
/// reported, before anything is done.
ApplyPlan plan_apply(Context& context, const ApplyOptions& options);

/// For a person.
void print_plan(Context& context, const ApplyPlan& plan);

} // namespace mshv::ctl::verbs
