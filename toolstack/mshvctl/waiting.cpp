// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/waiting.hpp"

#include "toolstack/libs/api/error.hpp"
#include "toolstack/mshvctl/context.hpp"
#include "toolstack/mshvctl/progress.hpp"

#include <algorithm>

namespace mshv::ctl {
namespace {

/// What the daemon may need to answer beyond the wait that it was asked for.
constexpr std::chrono::seconds answer_slack{10};

std::chrono::milliseconds left_until(posix::Deadline deadline) {
    if (deadline.is_never()) {
        return std::chrono::hours(24);
    }
    return std::chrono::milliseconds(deadline.poll_timeout());
}

} // namespace

std::vector<api::State> ended_states() {
    return {api::State::shutoff, api::State::crashed};
}

api::PartitionView wait_with_progress(Context& context, const api::Selector& selector,
                                      const std::vector<api::State>& states,
                                      posix::Deadline deadline, Progress& progress) {
    for (;;) {
        const auto span = std::min(left_until(deadline), progress.patience());
        try {
            return context.client().wait_state(selector, states, span,
                                               posix::Deadline::after(span + answer_slack));
        } catch (const api::Error& error) {
            if (error.code() != api::ErrorCode::timeout) {
                throw;
            }
            if (deadline.expired()) {
                throw api::Error(error.code(), error.message(),
                                 "the operation goes on; mshvctl wait waits again");
            }
        }
        const auto view = context.client().get(selector, posix::Deadline::after(answer_slack));
        progress.update(api::to_name(view.state));
    }
}

} // namespace mshv::ctl
