// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/output/as_xl.hpp"
#include "toolstack/mshvctl/output/list_format.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/targets.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/column_option.hpp"

#include <algorithm>
#include <functional>
#include <optional>

namespace mshv::ctl::verbs {
namespace {

using api::Error;
using api::ErrorCode;
using api::PartitionView;

/// Prints a list, one row after the other.
class RowPrinter {
public:
    virtual ~RowPrinter() = default;
    virtual void row(Context& context, const PartitionView& view) = 0;
    /// `unmanaged`: what the daemon does not manage. It has no row where rows are read by programs
    /// that would then command it.
    virtual void end(Context& context, const std::vector<api::UnmanagedPartition>& unmanaged) = 0;
};

class JsonRows final : public RowPrinter {
public:
    /// `with_config`: beside each row the definition.
    JsonRows(Context& context, bool with_config)
        : json_(context.out().buffer()), with_config_(with_config) {
        begin_document(json_, "list");
        json_.key("items").begin_array();
    }

    void row(Context& context, const PartitionView& view) override {
        if (!with_config_) {
            json_.raw(api::encode(view));
            return;
        }
        json_.begin_object().key("partition").raw(api::encode(view));
        try {
            const auto stored = context.client().definition(
                {api::Selector::Kind::uuid, api::to_string(view.uuid)}, context.read_deadline());
            json_.key("config").raw(api::encode(stored.spec));
        } catch (const Error& error) {
            // Gone meanwhile, or unreadable: the row stays and says so.
            json_.key("error");
            write_error_object(json_, error);
        }
        json_.end_object();
    }

    void end(Context& context, const std::vector<api::UnmanagedPartition>& unmanaged) override {
        json_.end_array();
        if (!unmanaged.empty()) {
            json_.key("unmanaged").begin_array();
            for (const auto& stranger : unmanaged) {
                json_.raw(api::encode(stranger));
            }
            json_.end_array();
        }
        json_.end_object();
        context.out().write("\n");
    }

private:
    JsonWriter json_;
    bool with_config_;
};

class ColumnRows final : public RowPrinter {
public:
    ColumnRows(std::vector<const ListColumn*> columns, TableFormat format)
        : columns_(columns.empty() ? all_columns() : std::move(columns)), format_(format),
          table_(titles(columns_, format)) {}

    void row(Context& /*context*/, const PartitionView& view) override {
        for (const auto* column : columns_) {
            table_.cell(column->value(view));
        }
    }

    void end(Context& context, const std::vector<api::UnmanagedPartition>& /*unmanaged*/) override {
        table_.print(context.out().buffer(), format_, !context.globals().no_header);
    }

private:
    static std::vector<const ListColumn*> all_columns() {
        std::vector<const ListColumn*> all;
        all.reserve(list_columns().size());
        for (const auto& column : list_columns()) {
            all.push_back(&column);
        }
        return all;
    }

    static std::vector<Table::Column> titles(const std::vector<const ListColumn*>& columns,
                                             TableFormat format) {
        std::vector<Table::Column> titles;
        titles.reserve(columns.size());
        for (const auto* column : columns) {
            titles.push_back(
                {format == TableFormat::table ? column->title : column->name, column->align});
        }
        return titles;
    }

    std::vector<const ListColumn*> columns_;
    TableFormat format_;
    Table table_;
};

class FixedRows final : public RowPrinter {
public:
    FixedRows(Context& context, ListStyle style) : style_(style) {
        if (!context.globals().no_header) {
            append_list_header(context.out().buffer(), style, context.globals().verbose);
        }
    }

    void row(Context& context, const PartitionView& view) override {
        append_list_row(context.out().buffer(), view, style_, context.globals().verbose);
    }

    void end(Context& context, const std::vector<api::UnmanagedPartition>& unmanaged) override {
        for (const auto& stranger : unmanaged) {
            if (style_ == ListStyle::ours) {
                append_unmanaged_row(context.out().buffer(), stranger);
            }
        }
    }

private:
    ListStyle style_;
};

class List final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.flag("-a,--all", "also those that are defined and off", all_);
        arguments.flag("-l,--long", "everything there is, as JSON", long_);
        std::vector<std::string_view> names;
        for (const auto& column : list_columns()) {
            names.push_back(column.name);
        }
        declare_columns(arguments, std::move(names), [this](std::string_view name) {
            columns_.push_back(
                &*std::find_if(list_columns().begin(), list_columns().end(),
                               [&](const ListColumn& column) { return column.name == name; }));
        });
        arguments.choice("--format", "FORMAT", "table (the default), xl, json, csv or tsv",
                         {"table", "xl", "json", "csv", "tsv"}, format_);
        choice_.declare(arguments, "--label"); // -l is xl's
        arguments.positionals("PARTITION", "only these, or what fits a pattern, running or not",
                              ValueKind::partition, names_, 0);
    }

    void run(Context& context) override {
        choice_.take_patterns(names_);
        choice_.check();
        if (choice_.by_label() && !names_.empty()) {
            throw Error(ErrorCode::usage, "--label and names exclude each other");
        }
        const auto printer = make_printer(context);
        std::vector<Outcome> outcomes;
        std::vector<api::UnmanagedPartition> unmanaged;
        try {
            unmanaged = each_view(context, outcomes,
                                  [&](const PartitionView& view) { printer->row(context, view); });
        } catch (const Error&) {
            context.out().buffer().clear(); // half a list would look like a whole one
            throw;
        }
        printer->end(context, unmanaged);
        if (auto error = combined_error(outcomes)) {
            throw Error(*error);
        }
    }

private:
    std::unique_ptr<RowPrinter> make_printer(Context& context) {
        if (format_.empty()) {
            format_ = context.json() || long_ ? "json" : as_xl(format_) ? "xl" : "table";
        }
        if (format_ == "json") {
            return std::make_unique<JsonRows>(context, long_);
        }
        if (format_ == "csv" || format_ == "tsv") {
            return std::make_unique<ColumnRows>(columns_, table_format(format_));
        }
        if (!columns_.empty()) {
            return std::make_unique<ColumnRows>(columns_, TableFormat::table);
        }
        return std::make_unique<FixedRows>(context,
                                           format_ == "xl" ? ListStyle::xl : ListStyle::ours);
    }

    /// All, or those named; a name that is not there is reported beside the rows of the others.
    std::vector<api::UnmanagedPartition>
    each_view(Context& context, std::vector<Outcome>& outcomes,
              const std::function<void(const PartitionView&)>& row) {
        if (choice_.by_label() || choice_.by_pattern()) {
            const auto views =
                context.client().list(all_ || choice_.by_pattern(), context.read_deadline());
            if (choice_.by_pattern()) {
                choice_.require_hits(views);
            }
            for (const auto& view : views) {
                if (choice_.fits(view)) {
                    row(view);
                }
            }
        } else if (names_.empty()) {
            return context.client().list(all_, row, context.read_deadline());
        }
        for (const auto& selector : parse_selectors(names_)) {
            Outcome outcome{selector.text, std::nullopt, std::nullopt};
            try {
                row(context.client().get(selector, context.read_deadline()));
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
        return {};
    }

    bool all_ = false;
    bool long_ = false;
    std::string format_;
    std::vector<const ListColumn*> columns_;
    Choice choice_;
    std::vector<std::string> names_;
};

} // namespace

std::unique_ptr<Command> make_list() {
    return std::make_unique<List>();
}

} // namespace mshv::ctl::verbs
