// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/output/as_xl.hpp"
#include "toolstack/mshvctl/output/list_format.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/targets.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"

namespace mshv::ctl::verbs {
namespace {

struct Row {
    api::PartitionView partition;
    std::vector<api::VcpuView> vcpus;
};

class VcpuList final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.choice("--format", "FORMAT", "table (the default), xl, csv or tsv",
                         {"table", "xl", "csv", "tsv"}, format_);
        arguments.positionals("PARTITION", "only these; without any, all that run",
                              ValueKind::partition, names_, 0);
    }

    void run(Context& context) override {
        std::vector<Row> rows;
        for (const auto& selector : parse_selectors(names_)) {
            rows.push_back({context.client().get(selector, context.read_deadline()), {}});
            rows.back().vcpus = context.client().vcpus(selector, context.read_deadline());
        }
        if (names_.empty()) {
            fetch_running(context, rows);
        }
        if (context.json()) {
            print_json(context, rows);
        } else if (format_ == "csv" || format_ == "tsv") {
            print_separated(context, rows);
        } else {
            print(context, rows);
        }
    }

private:
    static void fetch_running(Context& context, std::vector<Row>& rows) {
        for (auto& view : context.client().list(false, context.read_deadline())) {
            try {
                auto vcpus =
                    context.client().vcpus({api::Selector::Kind::number, std::to_string(view.id)},
                                           context.read_deadline());
                rows.push_back({std::move(view), std::move(vcpus)});
            } catch (const api::Error& error) {
                // It ended while the list was walked: then it has no vCPUs to show.
                if (error.code() != api::ErrorCode::not_found &&
                    error.code() != api::ErrorCode::wrong_state) {
                    throw;
                }
            }
        }
    }

    static void print_json(Context& context, const std::vector<Row>& rows) {
        JsonWriter json(context.out().buffer());
        begin_document(json, "vcpu-list");
        json.key("items").begin_array();
        for (const auto& row : rows) {
            json.begin_object().field("name", row.partition.name);
            json.key("id").number(row.partition.id).key("vcpus").begin_array();
            for (const auto& vcpu : row.vcpus) {
                json.raw(api::encode(vcpu));
            }
            json.end_array().end_object();
        }
        json.end_array().end_object();
        context.out().write("\n");
    }

    struct Cells {
        std::string name, id, vcpu, cpu, state, time, wait, affinity;
    };

    static Cells cells_of(const api::PartitionView& partition, const api::VcpuView& vcpu) {
        // Of the virtual processor where it is known, else of its thread.
        const auto& has = vcpu.hypervisor;
        const auto waited = has && has->waiting_ms ? has->waiting_ms : vcpu.waiting_ms;
        return {partition.name,
                std::to_string(partition.id),
                std::to_string(vcpu.index),
                vcpu.last_cpu < 0 ? "-" : std::to_string(vcpu.last_cpu),
                vcpu.state,
                tenths(has && has->cpu_time_ms ? *has->cpu_time_ms : vcpu.cpu_time_ms),
                waited ? tenths(*waited) : "-",
                vcpu.affinity};
    }

    void print_separated(Context& context, const std::vector<Row>& rows) const {
        Table table(
            {{"name"}, {"id"}, {"vcpu"}, {"cpu"}, {"state"}, {"time"}, {"wait"}, {"affinity"}});
        for (const auto& row : rows) {
            for (const auto& vcpu : row.vcpus) {
                const auto cells = cells_of(row.partition, vcpu);
                table.cell(cells.name).cell(cells.id).cell(cells.vcpu).cell(cells.cpu);
                table.cell(cells.state).cell(cells.time).cell(cells.wait).cell(cells.affinity);
            }
        }
        table.print(context.out().buffer(), table_format(format_), !context.globals().no_header);
    }

    void print(Context& context, const std::vector<Row>& rows) const {
        const bool with_wait = context.globals().verbose && !as_xl(format_);
        std::string& out = context.out().buffer();
        if (!context.globals().no_header) {
            append_row(out,
                       {"Name", "ID", "VCPU", "CPU", "State", "Time(s)", "Wait(s)",
                        "Affinity (Hard / Soft)"},
                       with_wait);
        }
        for (const auto& row : rows) {
            for (const auto& vcpu : row.vcpus) {
                auto cells = cells_of(row.partition, vcpu);
                cells.affinity += " / all";
                append_row(out, cells, with_wait);
            }
        }
    }

    static void append_row(std::string& out, const Cells& cells, bool with_wait) {
        std::string escaped;
        append_escaped(escaped, cells.name);
        append_padded(out, escaped, 32, Align::left);
        for (const auto* cell : {&cells.id, &cells.vcpu, &cells.cpu, &cells.state}) {
            out += ' ';
            append_padded(out, *cell, 5, Align::right);
        }
        out += ' ';
        append_padded(out, cells.time, 9, Align::right);
        out += ' ';
        if (with_wait) {
            append_padded(out, cells.wait, 9, Align::right);
            out += ' ';
        }
        append_escaped(out, cells.affinity);
        out += '\n';
    }

    std::string format_;
    std::vector<std::string> names_;
};

} // namespace

std::unique_ptr<Command> make_vcpu_list() {
    return std::make_unique<VcpuList>();
}

} // namespace mshv::ctl::verbs
