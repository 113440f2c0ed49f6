// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/output/list_format.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/targets.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"

#include <algorithm>
#include <cstdlib>

namespace mshv::ctl::verbs {
namespace {

using api::Error;
using api::ErrorCode;
using api::PartitionView;

class List final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.flag("-a,--all", "also those that are defined and off", all_);
        arguments.flag("-l,--long", "everything there is, as JSON", long_);
        Option columns;
        columns.names = {"-o", "--columns"};
        columns.value = "COLUMN";
        columns.help = "these columns, separated by commas";
        columns.kind = ValueKind::choice;
        columns.repeatable = true;
        for (const auto& column : list_columns()) {
            columns.choices.push_back(column.name);
        }
        columns.store = [this, choices = columns.choices](std::string_view words) {
            add_columns(words, choices);
        };
        arguments.custom(std::move(columns));
        arguments.choice("--format", "FORMAT", "table (the default), xl, json, csv or tsv",
                         {"table", "xl", "json", "csv", "tsv"}, format_);
        arguments.positionals("PARTITION", "only these, running or not", ValueKind::partition,
                              names_, 0);
    }

    void run(Context& context) override {
        std::vector<Outcome> failures;
        const auto views = fetch(context, failures);
        if (format_.empty()) {
            const char* compat = std::getenv("MSHVCTL_COMPAT");
            format_ = context.json() || long_                           ? "json"
                      : compat != nullptr && std::string_view(compat) == "xl" ? "xl"
                                                                        : "table";
        }
        if (format_ == "json") {
            print_json(context, views);
        } else if (!columns_.empty() || format_ == "csv" || format_ == "tsv") {
            print_columns(context, views);
        } else {
            print_fixed(context, views, format_ == "xl" ? ListStyle::xl : ListStyle::ours);
        }
        if (auto error = combined_error(failures)) {
            throw Error(*error);
        }
    }

private:
    void add_columns(std::string_view words, std::span<const std::string_view> choices) {
        for (;;) {
            const auto comma = words.find(',');
            const auto word = words.substr(0, comma);
            require_choice(word, choices, "-o");
            columns_.push_back(&*std::find_if(list_columns().begin(), list_columns().end(),
                                              [&](const ListColumn& column) {
                                                  return column.name == word;
                                              }));
            if (comma == std::string_view::npos) {
                return;
            }
            words.remove_prefix(comma + 1);
        }
    }

    /// All, or those named; a name that is not there is reported beside the rows of the others.
    std::vector<PartitionView> fetch(Context& context, std::vector<Outcome>& outcomes) {
        if (names_.empty()) {
            return context.client().list(all_, context.read_deadline());
        }
        std::vector<api::Selector> selectors;
        for (const auto& name : names_) {
            selectors.push_back(api::Selector::parse(name));
        }
        std::vector<PartitionView> views;
        for (const auto& selector : selectors) {
            Outcome outcome{selector.text, std::nullopt, std::nullopt};
            try {
                views.push_back(context.client().get(selector, context.read_deadline()));
            } catch (const Error& error) {
                if (error.code() != ErrorCode::not_found) {
                    throw;
                }
                outcome.error = error;
                if (names_.size() > 1 && !context.json()) {
                    write_error(error_text(error, selector.text));
                }
            }
            outcomes.push_back(std::move(outcome));
        }
        return views;
    }

    void print_json(Context& context, const std::vector<PartitionView>& views) const {
        JsonWriter json(context.out().buffer());
        begin_document(json, "list");
        json.key("items").begin_array();
        for (const auto& view : views) {
            if (!long_) {
                json.raw(api::encode(view));
                continue;
            }
            json.begin_object().key("partition").raw(api::encode(view));
            try {
                const auto stored = context.client().definition(
                    {api::Selector::Kind::uuid, api::to_string(view.uuid)},
                    context.read_deadline());
                json.key("config").raw(api::encode(stored.spec));
            } catch (const Error& error) {
                // Gone meanwhile, or unreadable: the row stays and says so.
                json.key("error");
                write_error_object(json, error);
            }
            json.end_object();
        }
        json.end_array().end_object();
        context.out().write("\n");
    }

    void print_columns(Context& context, const std::vector<PartitionView>& views) {
        if (columns_.empty()) {
            for (const auto& column : list_columns()) {
                columns_.push_back(&column);
            }
        }
        std::vector<Table::Column> titles;
        const bool machine = format_ != "table" && format_ != "xl";
        for (const auto* column : columns_) {
            titles.push_back({machine ? column->name : column->title, column->align});
        }
        Table table(std::move(titles));
        for (const auto& view : views) {
            for (const auto* column : columns_) {
                table.cell(column->value(view));
            }
        }
        table.print(context.out().buffer(),
                    format_ == "csv"   ? TableFormat::csv
                    : format_ == "tsv" ? TableFormat::tsv
                                       : TableFormat::table,
                    !context.globals().no_header);
    }

    static void print_fixed(Context& context, const std::vector<PartitionView>& views,
                            ListStyle style) {
        std::string& out = context.out().buffer();
        out.reserve(160 * (views.size() + 1));
        if (!context.globals().no_header) {
            append_list_header(out, style, context.globals().verbose);
        }
        for (const auto& view : views) {
            append_list_row(out, view, style, context.globals().verbose);
        }
    }

    bool all_ = false;
    bool long_ = false;
    std::string format_;
    std::vector<const ListColumn*> columns_;
    std::vector<std::string> names_;
};

} // namespace

std::unique_ptr<Command> make_list() { return std::make_unique<List>(); }

} // namespace mshv::ctl::verbs
