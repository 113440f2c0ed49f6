// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/host_shutdown.hpp"

#include "toolstack/libs/api/error.hpp"
#include "toolstack/mshvctl/output/table.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"

#include <algorithm>

namespace mshv::ctl::verbs {
namespace {

constexpr std::chrono::seconds usual_deadline{300};

class HostShutdownVerb final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.duration("--deadline", "TIME", "for all of them, 300 s when not given",
                           deadline_);
        arguments.choice("--format", "FORMAT", "table (the default), csv or tsv",
                         {"table", "csv", "tsv"}, format_);
    }

    void run(Context& context) override {
        const auto deadline = posix::Deadline::after(deadline_.value_or(usual_deadline));
        auto items = host_shutdown_plan(context);
        if (!context.globals().dry_run) {
            HostShutdown(context, items, deadline).run();
        }
        if (context.json()) {
            print_json(context, items);
        } else if (context.globals().dry_run) {
            print_plan(context, items);
        } else {
            print(context, items);
        }
        complain(items);
    }

private:
    using Items = std::vector<HostShutdownItem>;

    static void print_json(Context& context, const Items& items) {
        JsonWriter json(context.out().buffer());
        begin_document(json, "host-shutdown");
        json.key("dry_run").boolean(context.globals().dry_run).key("items").begin_array();
        for (const auto& item : items) {
            json.begin_object().field("name", item.name).field("uuid", api::to_string(item.uuid));
            json.key("group").number(static_cast<std::int64_t>(item.group) + 1);
            json.field("action", api::to_name(item.policy.action));
            json.key("timeout_s").number(item.policy.timeout_s);
            json.field("escalate", api::to_name(item.escalate));
            if (item.outcome) {
                json.field("outcome", api::to_name(*item.outcome)).field("detail", item.detail);
                json.key("took_ms").number(item.took.count());
            }
            json.end_object();
        }
        json.end_array().end_object();
        context.out().write("\n");
    }

    void print_plan(Context& context, const Items& items) const {
        Table table(
            {{"Group", Align::right}, {"Name"}, {"Action"}, {"Time", Align::right}, {"Then"}});
        for (const auto& item : items) {
            table.cell(static_cast<long long>(item.group) + 1).cell(item.name);
            table.cell(api::to_name(item.policy.action));
            const bool timed = item.policy.action == api::HostAction::shutdown ||
                               item.policy.action == api::HostAction::save;
            table.cell(timed ? std::to_string(item.policy.timeout_s) : "-");
            table.cell(!timed                                    ? "-"
                       : item.escalate == api::Escalate::destroy ? "destroy"
                                                                 : "leave");
        }
        table.print(context.out().buffer(), table_format(format_), !context.globals().no_header);
    }

    void print(Context& context, const Items& items) const {
        Table table({{"Group", Align::right},
                     {"Name"},
                     {"Action"},
                     {"Outcome"},
                     {"Seconds", Align::right},
                     {"Detail"}});
        for (const auto& item : items) {
            table.cell(static_cast<long long>(item.group) + 1).cell(item.name);
            table.cell(api::to_name(item.policy.action));
            table.cell(item.outcome ? api::to_name(*item.outcome) : "-");
            table.cell(item.took.count() / 1000).cell(item.detail.empty() ? "-" : item.detail);
        }
        table.print(context.out().buffer(), table_format(format_), !context.globals().no_header);
    }

    /// Who runs on against the plan, or may do so.
    static void complain(const Items& items) {
        std::string names;
        std::size_t count = 0;
        for (const auto& item : items) {
            const bool runs_on = item.outcome == api::HostOutcome::failed ||
                                 (item.outcome == api::HostOutcome::left &&
                                  item.policy.action != api::HostAction::leave);
            if (runs_on) {
                names += (names.empty() ? "" : ", ") + item.name;
                ++count;
            }
        }
        if (count > 0) {
            throw api::Error(api::ErrorCode::partial,
                             std::to_string(count) + " of " + std::to_string(items.size()) +
                                 " partitions did not end: " + names,
                             "<mshv><shutdown escalate='destroy'/> ends them when their time is "
                             "over");
        }
    }

    std::optional<std::chrono::milliseconds> deadline_;
    std::string format_;
};

} // namespace

std::unique_ptr<Command> make_host_shutdown() {
    return std::make_unique<HostShutdownVerb>();
}

} // namespace mshv::ctl::verbs
