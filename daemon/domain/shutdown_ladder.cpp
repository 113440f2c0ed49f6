// SPDX-License-Identifier: Apache-2.0
#include "daemon/domain/shutdown_ladder.hpp"

#include <algorithm>

namespace mshv::domain {
namespace {

std::int64_t resend_ms(const ShutdownLadder& ladder) {
    return std::max<std::int64_t>(ladder.resend_s, 1) * 1000;
}

} // namespace

LadderStep next_step(const ShutdownLadder& ladder, const LadderProgress& progress,
                     std::int64_t now) {
    if (now >= ladder.deadline) {
        return {ladder.escalate == api::Escalate::destroy ? LadderStep::Action::escalate
                                                          : LadderStep::Action::give_up,
                0, now};
    }
    if (now < progress.next_at) {
        return {LadderStep::Action::wait, 0, std::min(progress.next_at, ladder.deadline)};
    }
    // One rung a round: a guest that does not listen to its agent gets the power button next.
    const auto round = static_cast<std::size_t>(std::max<std::int64_t>(now - ladder.started, 0) /
                                                resend_ms(ladder));
    const std::size_t rung = round + progress.failed_in_row;
    const std::size_t last = ladder.methods.size() - 1;
    // Behind the last rung, a failure goes back to the ones before it.
    const std::size_t method =
        progress.failed_in_row == 0 ? std::min(rung, last) : rung % ladder.methods.size();
    return {LadderStep::Action::send, method, now};
}

void record_send(const ShutdownLadder& ladder, LadderProgress& progress, bool delivered,
                 std::int64_t now) {
    if (!delivered && ++progress.failed_in_row < ladder.methods.size()) {
        progress.next_at = now;
        return;
    }
    progress.failed_in_row = 0;
    const std::int64_t interval = resend_ms(ladder);
    const std::int64_t rounds = std::max<std::int64_t>(now - ladder.started, 0) / interval + 1;
    progress.next_at = ladder.started + rounds * interval;
}

} // namespace mshv::domain
