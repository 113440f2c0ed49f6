// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/job.hpp"

#include <string>

namespace mshv::ctl {

class Context;
class Progress;

/// Returns when `job` is done; a line of progress where `progress` is given. Throws what it failed
/// for, and Error{timeout} when --timeout was given and has passed: the job goes on then.
api::JobView wait_for_job(Context& context, api::JobView job, Progress* progress);

/// "writing, 312 of 1024 MiB"
std::string progress_text(const api::JobView& job);

} // namespace mshv::ctl
