// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/job_wait.hpp"

#include "toolstack/libs/api/error.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/progress.hpp"

#include <algorithm>

namespace mshv::ctl {
namespace {

constexpr std::chrono::seconds answer_slack{10};
constexpr std::chrono::hours long_time{24L * 365};

api::ErrorCode code_of(const std::string& name) {
    for (const auto& info : api::error_table()) {
        if (info.name == name) {
            return info.code;
        }
    }
    return api::ErrorCode::failed;
}

} // namespace

std::string progress_text(const api::JobView& job) {
    constexpr std::int64_t mebibyte = 1024 * 1024;
    std::string text(api::to_name(job.phase));
    if (job.total > 0) {
        text += ", " + std::to_string(job.done / mebibyte) + " of " +
                std::to_string(job.total / mebibyte) + " MiB";
    }
    return text;
}

api::JobView wait_for_job(Context& context, api::JobView job, Progress* progress) {
    const auto deadline = context.deadline(long_time);
    while (job.state == api::JobState::running) {
        if (deadline.expired()) {
            throw api::Error(api::ErrorCode::timeout,
                             "job " + std::to_string(job.id) + " has not ended in the time allowed",
                             "it goes on; mshvctl jobs shows how far it is, job-cancel undoes it");
        }
        auto span = std::chrono::milliseconds(deadline.poll_timeout());
        if (progress != nullptr) {
            progress->update(progress_text(job));
            span = std::min(span, progress->patience());
        } else {
            span = std::min(span, std::chrono::milliseconds(std::chrono::seconds(60)));
        }
        job = context.client().job(job.id, span, posix::Deadline::after(span + answer_slack));
    }
    if (job.state == api::JobState::cancelled) {
        throw api::Error(api::ErrorCode::failed,
                         "job " + std::to_string(job.id) + " was cancelled: everything is as it was");
    }
    if (job.state == api::JobState::failed) {
        throw api::Error(code_of(job.error), job.message, job.hint);
    }
    return job;
}

} // namespace mshv::ctl
