// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/verbs/apply_plan.hpp"

#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/escape.hpp"
#include "toolstack/mshvctl/output/table.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/changes.hpp"
#include "toolstack/mshvctl/verbs/target_verb.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <system_error>

namespace mshv::ctl::verbs {
namespace {

namespace fs = std::filesystem;

using api::Error;
using api::ErrorCode;
using Action = ApplyItem::Action;

/// The folder's files in the order of their names, or the one file.
std::vector<std::string> files_of(const std::string& path) {
    std::error_code failure;
    if (path == "-" || !fs::is_directory(path, failure)) {
        return {path};
    }
    std::vector<std::string> files;
    for (fs::directory_iterator at(path, failure), end; !failure && at != end;
         at.increment(failure)) {
        const std::string name = at->path().filename().string();
        if (name.ends_with(".xml") && !name.starts_with('.')) {
            files.push_back(at->path().string());
        }
    }
    if (failure) {
        throw Error(failure == std::errc::permission_denied ? ErrorCode::denied : ErrorCode::failed,
                    "cannot read " + path + ": " + failure.message());
    }
    if (files.empty()) {
        throw Error(ErrorCode::not_found, "no file of " + path + " ends in .xml",
                    "an empty folder is taken for a mistake; mshvctl undefine removes partitions");
    }
    std::sort(files.begin(), files.end());
    return files;
}

/// The folder that the files are in, wherever it is called from.
std::string owner_of(const ApplyOptions& options) {
    if (!options.owner.empty() || options.path == "-") {
        return options.owner;
    }
    std::error_code failure;
    const fs::path whole = fs::canonical(options.path, failure);
    if (failure) {
        const bool missing = failure == std::errc::no_such_file_or_directory;
        throw Error(missing ? ErrorCode::not_found : ErrorCode::failed,
                    "cannot read " + options.path + ": " + failure.message());
    }
    return fs::is_directory(whole, failure) ? whole.string() : whole.parent_path().string();
}

void refuse_pruning_for_a_file(const ApplyOptions& options) {
    std::error_code failure;
    if (options.prune && options.owner.empty() && !fs::is_directory(options.path, failure)) {
        throw Error(
            ErrorCode::usage, "--prune wants a folder",
            "one file would prune all others of its folder; --owner names a set of its own");
    }
}

/// Faults of the files, told one by one; thrown together at the end.
class Faults {
public:
    Faults(Context& context, std::size_t files) : context_(context), files_(files) {}

    void add(const std::string& file, const Error& error) {
        if (files_ > 1 && !context_.json()) {
            write_error(error_text(error, file));
        }
        ++count_;
        if (!first_) {
            first_ = error;
            return;
        }
        auto problems = first_->problems();
        problems.insert(problems.end(), error.problems().begin(), error.problems().end());
        first_->with_problems(std::move(problems));
        alike_ = alike_ && first_->code() == error.code();
    }
    void finish() const {
        if (!first_) {
            return;
        }
        if (files_ == 1) {
            throw Error(*first_);
        }
        throw Error(alike_ ? first_->code() : ErrorCode::invalid,
                    std::to_string(count_) + " of " + std::to_string(files_) +
                        " files cannot be applied: nothing was done")
            .with_problems(first_->problems());
    }

private:
    Context& context_;
    std::size_t files_;
    std::size_t count_ = 0;
    bool alike_ = true;
    std::optional<Error> first_;
};

Action action_of(api::PlanAction action) {
    switch (action) {
    case api::PlanAction::create:
        return Action::create;
    case api::PlanAction::update:
        return Action::update;
    case api::PlanAction::recreate:
        return Action::recreate;
    case api::PlanAction::none:
        break;
    }
    return Action::none;
}

void refuse_unfit(const ApplyItem& item, const std::string& owner) {
    if (!item.plan.partition || owner.empty()) {
        return;
    }
    const auto& partition = *item.plan.partition;
    if (!partition.owner.empty() && partition.owner != owner) {
        throw Error(ErrorCode::exists,
                    "'" + partition.name + "' was made by an apply of " + partition.owner +
                        ", and this is one of " + owner,
                    "apply it from there, or give --owner " + partition.owner);
    }
    if (item.action == Action::recreate && is_live(partition)) {
        throw Error(ErrorCode::wrong_state,
                    "'" + partition.name +
                        "' runs, and the file describes another partition of "
                        "that name",
                    "shut it down first, or take the UUID out of the file");
    }
}

ApplyItem item_of(Context& context, const std::string& file, Document document,
                  const ApplyOptions& options, const std::string& owner) {
    ApplyItem item;
    item.file = file;
    // The daemon may have to ask the VMM's program what it can do.
    item.plan = context.client().plan({document.spec, document.xml},
                                      context.deadline(std::chrono::seconds(60)));
    item.action = action_of(item.plan.action);
    item.document = std::move(document);
    refuse_unfit(item, owner);
    const bool off = item.action == Action::create || item.action == Action::recreate ||
                     (item.plan.partition && !is_live(*item.plan.partition));
    item.start = options.start && off;
    return item;
}

/// Two files about one partition would undo each other's work for ever.
void refuse_twice(const std::vector<ApplyItem>& items, Faults& faults) {
    std::map<std::string, std::string> seen;
    for (const auto& item : items) {
        std::vector<std::string> keys{"name " + item.name()};
        if (item.plan.partition) {
            keys.push_back("uuid " + api::to_string(item.plan.partition->uuid));
        }
        for (const auto& key : keys) {
            const auto [place, fresh] = seen.emplace(key, item.file);
            if (!fresh) {
                faults.add(item.file, Error(ErrorCode::invalid,
                                            "it describes the same partition as " + place->second +
                                                ": '" + item.name() + "'"));
                break;
            }
        }
    }
}

void add_pruned(Context& context, ApplyPlan& plan) {
    for (auto& view : context.client().list(true, context.read_deadline())) {
        const bool wanted =
            std::any_of(plan.items.begin(), plan.items.end(), [&](const ApplyItem& item) {
                return item.plan.partition && item.plan.partition->uuid == view.uuid;
            });
        // What runs without a definition ends by itself, and was pruned already.
        if (wanted || view.owner != plan.owner || !view.persistent) {
            continue;
        }
        ApplyItem item;
        item.action = Action::remove;
        item.plan.name = view.name;
        item.plan.partition = std::move(view);
        plan.items.push_back(std::move(item));
    }
}

} // namespace

std::string_view to_word(Action action) {
    constexpr std::array<std::string_view, 5> words{"none", "create", "update", "recreate",
                                                    "remove"};
    return words[static_cast<std::size_t>(action)];
}

std::size_t ApplyPlan::count(Action action) const {
    return static_cast<std::size_t>(std::count_if(
        items.begin(), items.end(), [&](const ApplyItem& item) { return item.action == action; }));
}

bool ApplyPlan::destroys() const {
    return count(Action::remove) + count(Action::recreate) > 0;
}

ApplyPlan plan_apply(Context& context, const ApplyOptions& options) {
    refuse_pruning_for_a_file(options);
    ApplyPlan plan;
    plan.owner = owner_of(options);
    const auto files = files_of(options.path);
    std::vector<std::pair<std::string, Document>> documents;
    Faults faults(context, files.size());
    for (const auto& file : files) {
        try {
            documents.emplace_back(file, load_document(context, file, options.document));
        } catch (const Error& error) {
            faults.add(file, error);
        }
    }
    faults.finish();
    for (auto& [file, document] : documents) {
        try {
            plan.items.push_back(item_of(context, file, std::move(document), options, plan.owner));
        } catch (const Error& error) {
            if (error.code() == ErrorCode::unreachable || error.code() == ErrorCode::denied) {
                throw;
            }
            faults.add(file, error);
        }
    }
    refuse_twice(plan.items, faults);
    faults.finish();
    if (options.prune) {
        add_pruned(context, plan);
    }
    return plan;
}

void print_plan(Context& context, const ApplyPlan& plan) {
    std::string& out = context.out().buffer();
    for (const auto& item : plan.items) {
        append_padded(out, to_word(item.action), 9, Align::left);
        out += api::escape_terminal(item.name());
        out += item.file.empty() ? "" : "  " + api::escape_terminal(item.file);
        if (item.action == Action::remove) {
            out += is_live(*item.plan.partition) ? "  (runs on until it ends)" : "";
        }
        out += item.start ? "  (and start)\n" : "\n";
        if (item.action == Action::update || item.action == Action::recreate) {
            append_changes(out, item.plan.changes);
        }
        if (item.action == Action::none && item.plan.partition && item.plan.partition->runtime &&
            item.plan.partition->runtime->pending) {
            out += "    runs with an earlier definition until it is started next\n";
        }
    }
    out += "Plan:";
    for (const auto action : {Action::create, Action::update, Action::recreate, Action::remove}) {
        out +=
            " " + std::to_string(plan.count(action)) + " to " + std::string(to_word(action)) + ",";
    }
    out += " " + std::to_string(plan.count(Action::none)) + " unchanged\n";
}

} // namespace mshv::ctl::verbs
