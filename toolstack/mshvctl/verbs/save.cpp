// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/job_wait.hpp"
#include "toolstack/mshvctl/progress.hpp"
#include "toolstack/mshvctl/targets.hpp"
#include "toolstack/mshvctl/verbs/all.hpp"
#include "toolstack/mshvctl/verbs/job_output.hpp"

#include <array>
#include <filesystem>

namespace mshv::ctl::verbs {
namespace {

class Save final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.flag("-c,--checkpoint", "leave the partition running", checkpoint_);
        arguments.flag("-p,--paused", "leave the partition there, paused", paused_);
        arguments.flag("--no-wait", "return when the job has begun; mshvctl jobs shows it",
                       no_wait_);
        arguments.positional("PARTITION", "what is saved", ValueKind::partition, partition_);
        arguments.positional("FILE", "that is made; one that is there already is refused",
                             ValueKind::file, file_);
    }

    void run(Context& context) override {
        if (checkpoint_ && paused_) {
            throw api::Error(api::ErrorCode::usage, "-c and -p exclude each other");
        }
        const std::array names{partition_};
        const auto selector = parse_selectors(names).front();
        api::SaveRequest request;
        request.path = std::filesystem::absolute(file_).lexically_normal().string();
        request.then = checkpoint_ ? api::AfterSave::run
                       : paused_   ? api::AfterSave::pause
                                   : api::AfterSave::end;
        if (context.dry_run("save " + partition_ + " to " + request.path)) {
            return;
        }
        Progress progress("saving " + partition_, "the save of " + partition_ +
                                                      " goes on; mshvctl jobs shows it");
        auto job = context.client().save(selector, request, context.operation_deadline());
        if (!no_wait_) {
            job = wait_for_job(context, std::move(job), &progress);
        }
        print_job(context, "save", job);
    }

private:
    bool checkpoint_ = false;
    bool paused_ = false;
    bool no_wait_ = false;
    std::string partition_;
    std::string file_;
};

} // namespace

std::unique_ptr<Command> make_save() {
    return std::make_unique<Save>();
}

} // namespace mshv::ctl::verbs
