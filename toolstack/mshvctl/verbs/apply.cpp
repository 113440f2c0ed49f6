// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/escape.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/targets.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/apply_plan.hpp"
#include "toolstack/mshvctl/verbs/changes.hpp"
#include "toolstack/mshvctl/verbs/confirm.hpp"
#include "toolstack/mshvctl/verbs/new_partition.hpp"

#include <array>

namespace mshv::ctl::verbs {
namespace {

using api::Error;
using api::ErrorCode;
using Action = ApplyItem::Action;

constexpr std::chrono::seconds usual_timeout{60};

api::Selector by_uuid(const api::PartitionView& view) {
    return {api::Selector::Kind::uuid, api::to_string(view.uuid)};
}

class Apply final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.flag("--prune",
                       "remove the definitions that an earlier apply of the same owner made and "
                       "that have no file any more",
                       options_.prune);
        arguments.flag("--start", "start what is off", options_.start);
        arguments.flag("-y,--yes", "remove and recreate without a question", yes_);
        arguments.text("--owner", "NAME",
                       "the mark of what this apply makes; the folder's path when not given",
                       options_.owner);
        options_.document.declare_compat(arguments);
        arguments.positional("FILE|DIR", "guest XML, or a folder of it; - for standard input",
                             ValueKind::file, options_.path);
    }

    void run(Context& context) override {
        const ApplyPlan plan = plan_apply(context, options_);
        if (!context.json()) {
            print_plan(context, plan);
            context.out().flush();
        }
        if (context.globals().dry_run) {
            if (context.json()) {
                print_json(context, plan, {});
            }
            return;
        }
        require_consent(plan);
        const auto outcomes = carry_out(context, plan);
        if (context.json()) {
            print_json(context, plan, outcomes);
        }
        if (const auto error = combined_error(outcomes)) {
            throw Error(*error);
        }
    }

private:
    void require_consent(const ApplyPlan& plan) const {
        if (yes_ || !plan.destroys()) {
            return;
        }
        const std::string what = std::to_string(plan.count(Action::remove)) + " removed and " +
                                 std::to_string(plan.count(Action::recreate)) + " recreated";
        const auto answer = confirm("Shall " + what + " be?", Usual::no);
        if (!answer) {
            throw Error(ErrorCode::usage, what + " partitions want a consent: nothing was done",
                        "give --yes, or look with --dry-run");
        }
        if (!*answer) {
            throw Error(ErrorCode::failed, "nothing was done: that was no yes");
        }
    }

    std::vector<Outcome> carry_out(Context& context, const ApplyPlan& plan) const {
        std::vector<Outcome> outcomes;
        bool failed = false;
        for (const auto& item : plan.items) {
            Outcome outcome{item.name(), std::nullopt, std::nullopt};
            try {
                if (failed && item.action == Action::remove) {
                    throw Error(ErrorCode::failed, "it is not removed, since others failed",
                                "apply again when the cause is mended");
                }
                outcome.view = carry_out(context, item, plan.owner);
                tell(context, item);
            } catch (const Error& error) {
                outcome.error = error;
                failed = true;
                if (plan.items.size() > 1 && !context.json()) {
                    context.out().flush();
                    write_error(error_text(error, item.name()));
                }
            }
            outcomes.push_back(std::move(outcome));
        }
        return outcomes;
    }

    static std::optional<api::PartitionView> carry_out(Context& context, const ApplyItem& item,
                                                       const std::string& owner) {
        auto& client = context.client();
        auto view = item.plan.partition;
        switch (item.action) {
        case Action::none:
            break;
        case Action::remove:
            return client.undefine(by_uuid(*view), view->revision, context.operation_deadline());
        case Action::update: {
            api::ReplaceRequest request;
            request.spec = item.document.spec;
            request.xml = item.document.xml;
            request.revision = view->revision;
            request.cause = api::Cause::applied;
            view = client.replace(by_uuid(*view), request, context.operation_deadline());
            break;
        }
        case Action::recreate:
        case Action::create: {
            auto request = new_partition_request(item.document);
            request.mode = api::CreateMode::define;
            request.owner = owner;
            request.cause = api::Cause::applied;
            request.recreates =
                view ? std::optional(view->revision) : std::nullopt; // it goes in the same moment
            view = client.create(request, context.operation_deadline());
            break;
        }
        }
        if (item.start) {
            const auto timeout = context.globals().timeout.value_or(usual_timeout);
            view =
                client.start(by_uuid(*view), {false, false, false, static_cast<std::uint64_t>(timeout.count())},
                             context.operation_deadline(timeout));
        }
        return view;
    }

    static void tell(Context& context, const ApplyItem& item) {
        if (context.json() || (item.action == Action::none && !item.start)) {
            return;
        }
        constexpr std::array<std::string_view, 5> done{"", "created", "updated", "recreated",
                                                       "removed"};
        std::string line = api::escape_terminal(item.name());
        const auto word = done[static_cast<std::size_t>(item.action)];
        line += word.empty() ? "" : " " + std::string(word);
        line += !item.start ? "" : word.empty() ? " started" : " and started";
        context.out().line(line);
    }

    void print_json(Context& context, const ApplyPlan& plan,
                    const std::vector<Outcome>& outcomes) const {
        JsonWriter json(context.out().buffer());
        begin_document(json, "apply");
        json.key("dry_run").boolean(context.globals().dry_run).field("owner", plan.owner);
        json.key("items").begin_array();
        for (std::size_t i = 0; i < plan.items.size(); ++i) {
            const ApplyItem& item = plan.items[i];
            json.begin_object().field("name", item.name()).field("action", to_word(item.action));
            json.field("file", item.file).key("start").boolean(item.start);
            write_changes(json, item.plan.changes);
            if (i < outcomes.size()) {
                json.key("ok").boolean(!outcomes[i].error);
                if (outcomes[i].view) {
                    json.key("partition").raw(api::encode(*outcomes[i].view));
                }
                if (outcomes[i].error) {
                    json.key("error");
                    write_error_object(json, *outcomes[i].error);
                }
            }
            json.end_object();
        }
        json.end_array().end_object();
        context.out().write("\n");
    }

    ApplyOptions options_;
    bool yes_ = false;
};

} // namespace

std::unique_ptr<Command> make_apply() {
    return std::make_unique<Apply>();
}

} // namespace mshv::ctl::verbs
