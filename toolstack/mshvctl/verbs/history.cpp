// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/output/list_format.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"

namespace mshv::ctl::verbs {
namespace {

std::string exit_text(const api::HistoryEntry& entry) {
    if (entry.signal) {
        return "signal " + std::to_string(*entry.signal);
    }
    return entry.exit_code ? std::to_string(*entry.exit_code) : "-";
}

class History final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.number("--limit", "N", "the newest so many, 50 when not given", limit_, 100'000);
        arguments.choice("--format", "FORMAT", "table (the default), csv or tsv",
                         {"table", "csv", "tsv"}, format_);
        arguments.positional("PARTITION", "of this one only, which may be gone already",
                             ValueKind::partition, partition_);
    }

    void run(Context& context) override {
        std::optional<api::Selector> selector;
        if (partition_) {
            selector = api::Selector::parse(*partition_);
        }
        const auto entries =
            context.client().history(selector, limit_.value_or(50), context.read_deadline());
        if (context.json()) {
            JsonWriter json(context.out().buffer());
            begin_document(json, "history");
            json.key("items").begin_array();
            for (const auto& entry : entries) {
                json.raw(api::encode(entry));
            }
            json.end_array().end_object();
            context.out().write("\n");
            return;
        }
        Table table({{"ID", Align::right},
                     {"Name"},
                     {"Started"},
                     {"By"},
                     {"Ended"},
                     {"By"},
                     {"Reason"},
                     {"Exit"},
                     {"Runs", Align::right},
                     {"Detail"}});
        for (const auto& entry : entries) {
            table.cell(entry.id).cell(entry.name).cell(time_text(entry.started_ms));
            table.cell(entry.started_by).cell(time_text(entry.ended_ms.value_or(0)));
            table.cell(entry.ended_by).cell(api::to_name(entry.reason)).cell(exit_text(entry));
            table.cell(entry.generations).cell(entry.detail);
        }
        table.print(context.out().buffer(), table_format(format_), !context.globals().no_header);
    }

private:
    std::optional<std::uint64_t> limit_;
    std::string format_;
    std::optional<std::string> partition_;
};

} // namespace

std::unique_ptr<Command> make_history() {
    return std::make_unique<History>();
}

} // namespace mshv::ctl::verbs
