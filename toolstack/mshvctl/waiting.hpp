// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/identity.hpp"
#include "toolstack/libs/api/view.hpp"
#include "toolstack/libs/posix/deadline.hpp"

#include <string_view>
#include <vector>

namespace mshv::ctl {

class Context;
class Progress;

/// The states in which nothing runs any more.
std::vector<api::State> ended_states();

/// Waits until the partition is in one of `states`, with the status line kept fresh. Throws timeout
/// at the deadline, naming the state that it is in then.
api::PartitionView wait_with_progress(Context& context, const api::Selector& selector,
                                      const std::vector<api::State>& states,
                                      posix::Deadline deadline, Progress& progress);

} // namespace mshv::ctl
