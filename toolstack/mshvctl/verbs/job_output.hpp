// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/job.hpp"
#include "toolstack/mshvctl/context.hpp"

#include <string_view>

namespace mshv::ctl::verbs {

/// With --json, the document of a verb that yields one job; for people, its number while it runs.
void print_job(Context& context, std::string_view verb, const api::JobView& job);

} // namespace mshv::ctl::verbs
