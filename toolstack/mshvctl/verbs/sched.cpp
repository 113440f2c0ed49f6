// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/scheduling.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/output/table.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/scheduling_client.hpp"
#include "toolstack/mshvctl/verbs/device_scope.hpp"
#include "toolstack/mshvctl/verbs/scheduling_verbs.hpp"

#include <array>
#include <utility>

// Processor time of partitions: the verb of our own, and xl's words for the same.

namespace mshv::ctl::verbs {
namespace {

using api::Error;
using api::ErrorCode;
using Views = std::vector<api::SchedulingView>;

constexpr std::uint64_t most_cap = 1'000'000;

/// Percent of one processor.
std::uint64_t percent_of(const api::SchedulingView& view) {
    return view.cap ? view.cap->quota_us * 100 / view.cap->period_us : 0;
}

api::CpuCap cap_of(std::uint64_t percent) {
    const api::CpuCap usual;
    return {percent * usual.period_us / 100, usual.period_us};
}

void write_json(Context& context, std::string_view verb, const Views& views) {
    JsonWriter json(context.out().buffer());
    begin_document(json, verb);
    json.key("items").begin_array();
    for (const auto& view : views) {
        json.raw(api::encode(view));
    }
    json.end_array().end_object();
    context.out().write("\n");
}

/// Of one partition, or of all.
Views fetch(Context& context, const std::optional<std::string>& partition, bool config) {
    SchedulingClient client(context);
    return partition ? Views{client.get(api::Selector::parse(*partition), config,
                                        context.read_deadline())}
                     : client.all(context.read_deadline()).partitions;
}

void change(Context& context, std::string_view verb, const std::string& partition,
            const api::SetSchedulingRequest& request) {
    const auto selector = api::Selector::parse(partition);
    if (context.dry_run("change the scheduling of " + selector.text)) {
        return;
    }
    const auto view =
        SchedulingClient(context).set(selector, request, context.operation_deadline());
    if (context.json()) {
        write_json(context, verb, {view});
    }
}

class Sched final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.number("--weight", "N", "1 to 10000 against other partitions; 100 is usual",
                         weight_, api::most_weight);
        arguments.number("--cap", "PERCENT", "of one processor at most; 0 = no cap", cap_,
                         most_cap);
        arguments.text("--pool", "POOL", "the pool of processors to run in", pool_);
        scope_.declare(arguments);
        arguments.choice("--format", "FORMAT", "table (the default), csv or tsv",
                         {"table", "csv", "tsv"}, format_);
        arguments.positional("PARTITION", "the partition; all of them to look at",
                             ValueKind::partition, partition_);
    }

    void run(Context& context) override {
        const bool changes = weight_ || cap_ || pool_;
        if (!changes) {
            show(context);
            return;
        }
        if (!partition_) {
            throw Error(ErrorCode::usage, "a weight, cap or pool needs a partition",
                        "mshvctl help sched");
        }
        api::SetSchedulingRequest request;
        if (weight_) {
            request.weight = static_cast<unsigned>(*weight_);
        }
        if (cap_) {
            request.cap = cap_of(*cap_);
        }
        request.pool = pool_;
        request.live = scope_.live;
        request.config = scope_.config;
        change(context, "sched", *partition_, request);
    }

private:
    void show(Context& context) const {
        const Views views = fetch(context, partition_, scope_.config);
        if (context.json()) {
            write_json(context, "sched", views);
            return;
        }
        Table table({{"Name"},
                     {"ID", Align::right},
                     {"Pool"},
                     {"Weight", Align::right},
                     {"Cap", Align::right},
                     {"Throttled", Align::right}});
        for (const auto& view : views) {
            table.cell(view.name).cell(view.id).cell(view.pool).cell(view.weight);
            table.cell(view.cap ? std::to_string(percent_of(view)) : "-");
            table.cell(view.throttled ? std::to_string(view.throttled->throttled) : "-");
        }
        table.print(context.out().buffer(), table_format(format_), !context.globals().no_header);
    }

    std::optional<std::uint64_t> weight_, cap_;
    std::optional<std::string> pool_, partition_;
    std::string format_;
    DeviceScope scope_;
};

/// xl's sched-credit and sched-credit2, which differ in what they refuse.
class SchedCredit final : public Command {
public:
    explicit SchedCredit(std::string_view verb) : verb_(verb) {}

    void declare(Arguments& arguments) override {
        arguments.text("-d,--domain", "PARTITION", "the partition; all of them to look at",
                       partition_, ValueKind::partition);
        arguments.number("-w,--weight", "WEIGHT", "1 to 65535; 256 is usual", weight_, 65'535);
        arguments.number("-c,--cap", "CAP", "percent of one processor; 0 = no cap", cap_, most_cap);
        arguments.text("-p,--cpupool", "POOL", "only partitions of this pool", pool_);
        arguments.flag("-s,--schedparam", "parameters of Xen's scheduler: Linux has none such",
                       parameters_);
        arguments.text("-r,--ratelimit_us", "MICROSECONDS", "likewise", ratelimit_);
        if (verb_ == "sched-credit") {
            arguments.text("-t,--tslice_ms", "MILLISECONDS", "likewise", slice_);
            arguments.text("-m,--migration_delay_us", "MICROSECONDS", "likewise", delay_);
        }
    }

    void run(Context& context) override {
        if (parameters_ || ratelimit_ || slice_ || delay_) {
            throw Error(ErrorCode::unsupported,
                        "Linux schedules here, and has no time slice, rate limit or migration "
                        "delay of a pool to set",
                        "weights and caps: -d with -w or -c");
        }
        if (!weight_ && !cap_) {
            show(context);
            return;
        }
        if (!partition_) {
            throw Error(ErrorCode::usage, "a weight or a cap needs a partition",
                        "-d PARTITION names it");
        }
        if (weight_ && *weight_ == 0) {
            throw Error(ErrorCode::usage, "a weight is between 1 and 65535");
        }
        api::SetSchedulingRequest request;
        if (weight_) {
            request.weight = api::weight_of_xl(static_cast<unsigned>(*weight_));
        }
        if (cap_) {
            request.cap = cap_of(*cap_);
        }
        change(context, verb_, *partition_, request);
    }

private:
    void show(Context& context) const {
        Views views = fetch(context, partition_, false);
        std::erase_if(views, [&](const auto& view) {
            // xl lists what runs.
            return (pool_ && view.pool != *pool_) ||
                   (!partition_ && (view.state == api::State::shutoff));
        });
        if (context.json()) {
            write_json(context, verb_, views);
            return;
        }
        Table table(
            {{"Name"}, {"ID", Align::right}, {"Weight", Align::right}, {"Cap", Align::right}});
        for (const auto& view : views) {
            table.cell(view.name).cell(view.id).cell(api::xl_weight(view.weight));
            table.cell(static_cast<long long>(percent_of(view)));
        }
        table.print(context.out().buffer(), TableFormat::table, !context.globals().no_header);
    }

    std::string_view verb_;
    std::optional<std::string> partition_, pool_, ratelimit_, slice_, delay_;
    std::optional<std::uint64_t> weight_, cap_;
    bool parameters_ = false;
};

} // namespace

std::unique_ptr<Command> make_sched() {
    return std::make_unique<Sched>();
}

std::unique_ptr<Command> make_sched_credit() {
    return std::make_unique<SchedCredit>("sched-credit");
}

std::unique_ptr<Command> make_sched_credit2() {
    return std::make_unique<SchedCredit>("sched-credit2");
}

} // namespace mshv::ctl::verbs
