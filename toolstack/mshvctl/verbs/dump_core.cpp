// SPDX-License-Identifier: Apache-2.0
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

class DumpCore final : public Command {
public:
    void declare(Arguments& arguments) override {
        arguments.choice("-f,--format", "FORMAT",
                         "elf (the default), kdump-zlib, kdump-lzo, kdump-snappy or win-dmp",
                         {"elf", "kdump-zlib", "kdump-lzo", "kdump-snappy", "win-dmp"}, format_);
        arguments.flag("--no-wait", "return when the job has begun; mshvctl jobs shows it",
                       no_wait_);
        arguments.positional("PARTITION", "whose memory is written", ValueKind::partition,
                             partition_);
        arguments.positional("FILE", "that is made; one that is there already is refused",
                             ValueKind::file, file_);
    }

    void run(Context& context) override {
        const std::array names{partition_};
        const auto selector = parse_selectors(names).front();
        api::DumpRequest request;
        request.path = std::filesystem::absolute(file_).lexically_normal().string();
        request.format = api::from_name<api::DumpFormat>(format_).value_or(api::DumpFormat::elf);
        if (context.dry_run("write the memory of " + partition_ + " to " + request.path)) {
            return;
        }
        Progress progress("dumping " + partition_,
                          "the dump of " + partition_ + " goes on; mshvctl jobs shows it");
        auto job = context.client().dump(selector, request, context.operation_deadline());
        if (!no_wait_) {
            job = wait_for_job(context, std::move(job), &progress);
        }
        print_job(context, "dump-core", job);
    }

private:
    bool no_wait_ = false;
    std::string format_;
    std::string partition_;
    std::string file_;
};

} // namespace

std::unique_ptr<Command> make_dump_core() {
    return std::make_unique<DumpCore>();
}

} // namespace mshv::ctl::verbs
