// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/spec.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mshv::domain {

/// How a guest is asked to stop: method after method, again every `resend_s`, until it follows or
/// the deadline comes. Times are milliseconds of one clock that is never set.
struct ShutdownLadder {
    std::vector<api::ShutdownMethod> methods; ///< not empty
    std::int64_t started = 0;
    std::int64_t deadline = 0;
    unsigned resend_s = 15;
    api::Escalate escalate = api::Escalate::none;
};

/// How far it was climbed. A daemon that takes a ladder over begins anew with the method that the
/// time says, since asking twice does no harm.
struct LadderProgress {
    std::int64_t next_at = 0; ///< 0 = at once
    std::size_t failed_in_row =
        0; ///< methods that could not even be tried, since the last that could
};

struct LadderStep {
    enum class Action { send, wait, escalate, give_up };
    Action action = Action::wait;
    std::size_t method = 0; ///< index into `methods`, with send
    std::int64_t wake_at = 0;
};

/// What is to be done at `now`.
LadderStep next_step(const ShutdownLadder& ladder, const LadderProgress& progress,
                     std::int64_t now);

/// The progress after a send at `now`: delivered, or refused (no agent answers), in which case the
/// next method is tried at once, each method at most once a round.
void record_send(const ShutdownLadder& ladder, LadderProgress& progress, bool delivered,
                 std::int64_t now);

} // namespace mshv::domain
