// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/job_wait.hpp"
#include "toolstack/mshvctl/progress.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/job_output.hpp"

#include <filesystem>

namespace mshv::ctl::verbs {
namespace {

class Restore final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.flag("-p,--paused", "leave the partition paused", paused_);
        arguments.flag("-e", "as for xl: accepted, and without a meaning here", no_wait_for_end_);
        arguments.flag("--force", "although its disks have changed since it was saved", force_);
        arguments.flag("--no-wait", "return when the job has begun; mshvctl jobs shows it",
                       no_wait_);
        arguments.positional("FILE", "that mshvctl save made", ValueKind::file, file_);
    }

    void run(Context& context) override {
        api::RestoreRequest request;
        request.path = std::filesystem::absolute(file_).lexically_normal().string();
        request.paused = paused_;
        request.force = force_;
        if (context.globals().timeout) {
            request.timeout_ms = static_cast<std::uint64_t>(context.globals().timeout->count());
        }
        if (context.dry_run("restore " + request.path)) {
            return;
        }
        Progress progress("restoring " + file_,
                          "the restore of " + file_ + " goes on; mshvctl jobs shows it");
        auto job = context.client().restore(request, context.operation_deadline());
        if (!no_wait_) {
            job = wait_for_job(context, std::move(job), &progress);
        }
        print_job(context, "restore", job);
    }

private:
    bool paused_ = false;
    bool no_wait_for_end_ = false;
    bool force_ = false;
    bool no_wait_ = false;
    std::string file_;
};

} // namespace

std::unique_ptr<Command> make_restore() {
    return std::make_unique<Restore>();
}

} // namespace mshv::ctl::verbs
