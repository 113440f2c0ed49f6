// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/claims.hpp"
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/output/as_xl.hpp"
#include "toolstack/mshvctl/output/list_format.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"

namespace mshv::ctl::verbs {
namespace {

constexpr std::uint64_t mebibyte = 1ULL << 20U;

std::string in_mib(std::uint64_t bytes) {
    return std::to_string(bytes / mebibyte);
}

class Claims final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.choice("--format", "FORMAT", "table (the default), xl, csv or tsv",
                         {"table", "xl", "csv", "tsv"}, format_);
    }

    void run(Context& context) override {
        const auto list = context.client().claims(context.read_deadline());
        if (context.json()) {
            JsonWriter json(context.out().buffer());
            begin_document(json, "claims");
            json.key("host").raw(api::encode(list)).end_object();
            context.out().write("\n");
        } else if (as_xl(format_)) {
            print_as_xl(context, list);
        } else {
            print(context, list);
        }
    }

private:
    void print(Context& context, const api::ClaimList& list) const {
        Table table({{"Name"},
                     {"ID", Align::right},
                     {"Memory", Align::right},
                     {"Overhead", Align::right},
                     {"Deposit", Align::right},
                     {"Taken", Align::right},
                     {"Outstanding", Align::right}});
        for (const auto& claim : list.claims) {
            table.cell(claim.name).cell(claim.id).cell(in_mib(claim.memory));
            table.cell(in_mib(claim.overhead)).cell(in_mib(claim.deposit));
            table.cell(in_mib(claim.taken)).cell(in_mib(claim.outstanding));
        }
        const auto format = table_format(format_);
        table.print(context.out().buffer(), format, !context.globals().no_header);
        if (format == TableFormat::table) {
            context.out().write("host: " + in_mib(list.total) + " MiB, available " +
                                in_mib(list.available) + ", promised " + in_mib(list.outstanding) +
                                ", kept " + in_mib(list.reserved) + ", room " + in_mib(list.room) +
                                "\n");
        }
    }

    static api::PartitionView row_of(const api::ClaimView& claim) {
        api::RuntimeView run;
        run.cpu_time_ms = claim.cpu_time_ms;
        api::PartitionView view;
        view.id = claim.id;
        view.name = claim.name;
        view.state = claim.state;
        view.memory = static_cast<std::int64_t>(claim.memory);
        view.vcpus = claim.vcpus;
        view.runtime = std::move(run);
        return view;
    }

    /// xl's list with one column more.
    static void print_as_xl(Context& context, const api::ClaimList& list) {
        std::string& out = context.out().buffer();
        const auto with_claim = [&](std::string_view claimed) {
            out.pop_back(); // the end of the line
            out += claimed;
            out += '\n';
        };
        if (!context.globals().no_header) {
            append_list_header(out, ListStyle::xl, false);
            with_claim("  Claimed");
        }
        for (const auto& claim : list.claims) {
            append_list_row(out, row_of(claim), ListStyle::xl, false);
            std::string claimed(1, ' ');
            append_padded(claimed, in_mib(claim.outstanding), 5, Align::right);
            with_claim(claimed);
        }
        context.out().write("");
    }

    std::string format_;
};

} // namespace

std::unique_ptr<Command> make_claims() {
    return std::make_unique<Claims>();
}

} // namespace mshv::ctl::verbs
