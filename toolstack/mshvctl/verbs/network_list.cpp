// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/device_requests.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/output/table.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/targets.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/nic_argument.hpp"

namespace mshv::ctl::verbs {
namespace {

std::string or_dash(const std::string& text) {
    return text.empty() ? "-" : text;
}

std::string or_dash(const std::optional<std::int64_t>& number) {
    return number ? std::to_string(*number) : "-";
}

/// "12500", "12500-25000" with a peak.
std::string rate_text(const std::optional<api::NicRate>& rate) {
    if (!rate) {
        return "-";
    }
    return std::to_string(rate->average) +
           (rate->peak == 0 ? "" : "-" + std::to_string(rate->peak));
}

class NetworkList final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.choice("--format", "FORMAT", "table (the default), csv or tsv",
                         {"table", "csv", "tsv"}, format_);
        arguments.positionals("PARTITION", "the partitions", ValueKind::partition, names_);
    }

    void run(Context& context) override {
        std::vector<Row> rows;
        for (const auto& selector : parse_selectors(names_)) {
            const auto name = context.client().get(selector, context.read_deadline()).name;
            for (auto& view : context.client().nics(selector, context.read_deadline())) {
                rows.push_back({name, std::move(view)});
            }
        }
        if (context.json()) {
            print_json(context, rows);
        } else {
            print(context, rows);
        }
    }

private:
    struct Row {
        std::string name;
        api::NicView view;
    };

    static void print_json(Context& context, const std::vector<Row>& rows) {
        JsonWriter json(context.out().buffer());
        begin_document(json, "network-list");
        json.key("items").begin_array();
        for (const auto& [name, view] : rows) {
            json.begin_object().field("name", name).field("state", api::to_name(view.state));
            json.key("config").boolean(view.config);
            if (!view.tap.empty()) {
                json.field("tap", view.tap);
            }
            if (view.received && view.sent) {
                json.key("received").number(*view.received).key("sent").number(*view.sent);
            }
            json.key("interface").raw(api::encode(view.interface)).end_object();
        }
        json.end_array().end_object();
        context.out().write("\n");
    }

    void print(Context& context, const std::vector<Row>& rows) const {
        Table table({{"Name"},
                     {"Idx", Align::right},
                     {"MAC"},
                     {"Type"},
                     {"Source"},
                     {"Tap"},
                     {"Model"},
                     {"Link"},
                     {"VLAN", Align::right},
                     {"In kB/s", Align::right},
                     {"Out kB/s", Align::right},
                     {"Received", Align::right},
                     {"Sent", Align::right},
                     {"State"},
                     {"Defined"}});
        for (const auto& [name, view] : rows) {
            const auto& nic = view.interface;
            table.cell(name).cell(or_dash(nic_index(nic))).cell(nic.mac);
            table.cell(api::to_name(nic.source)).cell(or_dash(nic.bridge)).cell(or_dash(view.tap));
            table.cell(api::to_name(nic.model)).cell(nic.link_up ? "up" : "down");
            table.cell(nic.vlan ? std::to_string(*nic.vlan) : "-");
            table.cell(rate_text(nic.inbound)).cell(rate_text(nic.outbound));
            table.cell(or_dash(view.received)).cell(or_dash(view.sent));
            table.cell(api::to_name(view.state)).cell(view.config ? "yes" : "no");
        }
        table.print(context.out().buffer(), table_format(format_), !context.globals().no_header);
    }

    std::string format_;
    std::vector<std::string> names_;
};

} // namespace

std::unique_ptr<Command> make_network_list() {
    return std::make_unique<NetworkList>();
}

} // namespace mshv::ctl::verbs
