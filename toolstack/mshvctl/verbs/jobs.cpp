// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/job_wait.hpp"
#include "toolstack/mshvctl/output/list_format.hpp"
#include "toolstack/mshvctl/progress.hpp"
#include "toolstack/mshvctl/result.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/job_output.hpp"

namespace mshv::ctl::verbs {
namespace {

std::string state_text(const api::JobView& job) {
    if (job.state != api::JobState::running) {
        return std::string(api::to_name(job.state));
    }
    return job.cancelling ? "cancelling" : progress_text(job);
}

class ListJobs final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.flag("-a,--all", "those that have ended, too", all_);
        arguments.choice("--format", "FORMAT", "table (the default), csv or tsv",
                         {"table", "csv", "tsv"}, format_);
    }

    void run(Context& context) override {
        auto jobs = context.client().jobs(context.read_deadline());
        if (!all_) {
            std::erase_if(jobs, [](const api::JobView& job) {
                return job.state != api::JobState::running;
            });
        }
        if (context.json()) {
            JsonWriter json(context.out().buffer());
            begin_document(json, "jobs");
            json.key("items").begin_array();
            for (const auto& job : jobs) {
                json.raw(api::encode(job));
            }
            json.end_array().end_object();
            context.out().write("\n");
            return;
        }
        Table table({{"ID", Align::right},
                     {"Kind"},
                     {"Name"},
                     {"State"},
                     {"Started"},
                     {"Ended"},
                     {"By"},
                     {"File"},
                     {"Detail"}});
        for (const auto& job : jobs) {
            table.cell(job.id).cell(job.managed ? "managed-save" : api::to_name(job.kind));
            table.cell(job.name).cell(state_text(job)).cell(time_text(job.started_ms));
            table.cell(time_text(job.ended_ms.value_or(0))).cell(job.actor).cell(job.path);
            table.cell(job.message);
        }
        table.print(context.out().buffer(), table_format(format_), !context.globals().no_header);
    }

private:
    bool all_ = false;
    std::string format_;
};

class CancelJob final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.positional("JOB", "its number, as mshvctl jobs shows it", ValueKind::number,
                             number_);
    }

    void run(Context& context) override {
        const auto number = static_cast<std::int64_t>(
            parse_number(number_, "JOB", static_cast<std::uint64_t>(INT64_MAX)));
        if (context.dry_run("cancel job " + number_)) {
            return;
        }
        auto job = context.client().cancel_job(number, context.operation_deadline());
        Progress progress("cancelling job " + number_, "job " + number_ + " is being cancelled");
        try {
            job = wait_for_job(context, std::move(job), &progress);
        } catch (const api::Error&) {
            job = context.client().job(number, {}, context.read_deadline());
            if (job.state != api::JobState::cancelled) {
                throw;
            }
        }
        if (job.state == api::JobState::done) {
            throw api::Error(api::ErrorCode::wrong_state,
                             "job " + number_ + " was done before it could be cancelled");
        }
        print_job(context, "job-cancel", job);
    }

private:
    std::string number_;
};

} // namespace

void print_job(Context& context, std::string_view verb, const api::JobView& job) {
    if (context.json()) {
        JsonWriter json(context.out().buffer());
        begin_document(json, verb);
        json.key("job").raw(api::encode(job));
        json.end_object();
        context.out().write("\n");
    } else if (job.state == api::JobState::running) {
        context.out().write("job " + std::to_string(job.id) + "\n");
    }
}

std::unique_ptr<Command> make_jobs() {
    return std::make_unique<ListJobs>();
}

std::unique_ptr<Command> make_job_cancel() {
    return std::make_unique<CancelJob>();
}

} // namespace mshv::ctl::verbs
