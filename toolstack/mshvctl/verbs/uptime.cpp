// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/output/list_format.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/targets.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"

#include <ctime>

namespace mshv::ctl::verbs {
namespace {

class Uptime final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.flag("-s,--short", "the short form, with the time of day", short_);
        arguments.choice("--format", "FORMAT", "table (the default), xl, csv or tsv",
                         {"table", "xl", "csv", "tsv"}, format_);
        arguments.positionals("PARTITION", "only these; without any, all that run",
                              ValueKind::partition, names_, 0);
    }

    void run(Context& context) override {
        std::vector<Row> rows;
        for (const auto& selector : parse_selectors(names_)) {
            auto view = context.client().get(selector, context.read_deadline());
            if (!view.runtime) {
                throw api::Error(api::ErrorCode::wrong_state, selector.text + " is not running");
            }
            rows.push_back({std::move(view.name), view.id, *view.runtime});
        }
        if (names_.empty()) {
            for (auto& view : context.client().list(false, context.read_deadline())) {
                if (view.runtime) {
                    rows.push_back({std::move(view.name), view.id, *view.runtime});
                }
            }
        }
        if (context.json()) {
            print_json(context, rows);
        } else if (format_ == "csv" || format_ == "tsv") {
            print_separated(context, rows);
        } else {
            print(context, rows); // as xl does
        }
    }

private:
    struct Row {
        std::string name;
        api::PartitionNumber id = 0;
        api::RuntimeView runtime;
    };

    static void print_json(Context& context, const std::vector<Row>& rows) {
        JsonWriter json(context.out().buffer());
        begin_document(json, "uptime");
        json.key("items").begin_array();
        for (const auto& row : rows) {
            json.begin_object().field("name", row.name).key("id").number(row.id);
            json.key("uptime_ms").number(row.runtime.uptime_ms);
            json.key("started_ms").number(row.runtime.started_ms);
            json.key("generation").number(row.runtime.generation).end_object();
        }
        json.end_array().end_object();
        context.out().write("\n");
    }

    void print_separated(Context& context, const std::vector<Row>& rows) const {
        Table table({{"name"}, {"id"}, {"seconds"}});
        for (const auto& row : rows) {
            table.cell(row.name).cell(row.id).cell(row.runtime.uptime_ms / 1000);
        }
        table.print(context.out().buffer(), table_format(format_), !context.globals().no_header);
    }

    void print(Context& context, const std::vector<Row>& rows) const {
        std::string& out = context.out().buffer();
        if (!short_ && !context.globals().no_header) {
            append_padded(out, "Name", 33, Align::left);
            out += "   ID Uptime\n";
        }
        for (const auto& row : rows) {
            const std::string up = uptime_text(row.runtime.uptime_ms / 1000, short_);
            std::string name;
            append_escaped(name, row.name);
            if (short_) {
                append_short(out, up, name, row.id);
                continue;
            }
            append_padded(out, name, 33, Align::left);
            out += ' ';
            append_padded(out, std::to_string(row.id), 4, Align::right);
            out += ' ';
            out += up;
            out += '\n';
        }
    }

    /// " HH:MM:SS up …, name (id)"
    static void append_short(std::string& out, std::string_view up, std::string_view name,
                             api::PartitionNumber id) {
        const auto now = time_text(static_cast<std::int64_t>(std::time(nullptr)) * 1000);
        out += ' ';
        out += now.substr(now.find(' ') + 1);
        out += " up ";
        out += up;
        out += ", ";
        out += name;
        out += " (";
        out += std::to_string(id);
        out += ")\n";
    }

    bool short_ = false;
    std::string format_;
    std::vector<std::string> names_;
};

} // namespace

std::unique_ptr<Command> make_uptime() {
    return std::make_unique<Uptime>();
}

} // namespace mshv::ctl::verbs
