// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/verbs/config.hpp"

#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/escape.hpp"
#include "toolstack/mshvctl/output/list_format.hpp"
#include "toolstack/mshvctl/output/table.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/changes.hpp"

namespace mshv::ctl::verbs {
namespace {

using api::Error;
using api::ErrorCode;

constexpr std::uint64_t largest = INT64_MAX;

class Config final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.number("--from", "REVISION", "diff: from this one", from_, largest);
        arguments.number("--to", "REVISION", "diff: to this one; the current when not given", to_,
                         largest);
        arguments.number("--limit", "N", "log: the newest so many, 50 when not given", limit_,
                         10'000);
        Positional action;
        action.name = "ACTION";
        action.help = "diff, edit, log or rollback";
        action.kind = ValueKind::choice;
        action.choices = {"diff", "edit", "log", "rollback"};
        action.store = [this](std::string_view word) { action_ = word; };
        arguments.custom(std::move(action));
        arguments.positional("PARTITION", "the partition", ValueKind::partition, partition_);
        arguments.positional("REVISION", "rollback: to this one", ValueKind::number, revision_);
    }

    void run(Context& context) override {
        const auto selector = api::Selector::parse(partition_);
        if ((action_ == "rollback") != revision_.has_value()) {
            throw Error(ErrorCode::usage,
                        revision_ ? "REVISION is for rollback alone" : "REVISION is missing",
                        revision_ ? "" : "mshvctl config log lists them");
        }
        if (action_ == "diff") {
            diff(context, selector);
        } else if (action_ == "edit") {
            edit_definition(context, selector);
        } else if (action_ == "log") {
            log(context, selector);
        } else {
            rollback(context, selector);
        }
    }

private:
    static void print_changes(Context& context, const api::ChangeList& list) {
        if (context.json()) {
            JsonWriter json(context.out().buffer());
            begin_document(json, "config");
            json.key("from").number(list.from).key("to").number(list.to);
            write_changes(json, list.changes);
            json.end_object();
            context.out().write("\n");
            return;
        }
        context.out().line("Revision " + std::to_string(list.from) + " -> " +
                           std::to_string(list.to) +
                           (list.changes.empty() ? ": nothing differs" : ":"));
        append_changes(context.out().buffer(), list.changes);
    }

    void diff(Context& context, const api::Selector& selector) const {
        print_changes(context,
                      context.client().changes(selector, from_, to_, context.read_deadline()));
    }

    void log(Context& context, const api::Selector& selector) const {
        const auto list =
            context.client().revisions(selector, limit_.value_or(50), context.read_deadline());
        if (context.json()) {
            JsonWriter json(context.out().buffer());
            begin_document(json, "config");
            json.key("current").number(list.current);
            if (list.running) {
                json.key("running").number(*list.running);
            }
            json.key("items").begin_array();
            for (const auto& revision : list.revisions) {
                json.raw(api::encode(revision));
            }
            json.end_array().end_object();
            context.out().write("\n");
            return;
        }
        Table table({{"Revision", Align::right}, {"When"}, {"By"}, {"Cause"}, {"Detail"}, {"Is"}});
        for (const auto& revision : list.revisions) {
            std::string is = revision.number == list.current ? "current" : "";
            if (list.running == revision.number) {
                is += is.empty() ? "running" : ", running";
            }
            table.cell(revision.number).cell(time_text(revision.at_ms)).cell(revision.actor);
            table.cell(api::to_name(revision.cause)).cell(revision.detail).cell(is);
        }
        table.print(context.out().buffer(), TableFormat::table, !context.globals().no_header);
    }

    void rollback(Context& context, const api::Selector& selector) const {
        const auto to = static_cast<std::int64_t>(parse_number(*revision_, "REVISION", largest));
        const auto before = context.client().get(selector, context.read_deadline());
        if (context.globals().dry_run) {
            print_changes(context, context.client().changes(
                                       selector, static_cast<std::uint64_t>(before.revision),
                                       static_cast<std::uint64_t>(to), context.read_deadline()));
            return;
        }
        // What the user has in mind is the definition as it is now.
        const auto view = context.client().rollback(selector, {to, before.revision},
                                                    context.operation_deadline());
        if (context.json()) {
            context.out().write(partition_document("config", view));
            return;
        }
        context.out().line(api::escape_terminal(view.name) + " is as it was at revision " +
                           std::to_string(to) + ": now revision " + std::to_string(view.revision));
    }

    std::string action_;
    std::string partition_;
    std::optional<std::string> revision_;
    std::optional<std::uint64_t> from_, to_, limit_;
};

} // namespace

std::unique_ptr<Command> make_config() {
    return std::make_unique<Config>();
}

} // namespace mshv::ctl::verbs
