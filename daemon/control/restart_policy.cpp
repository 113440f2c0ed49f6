// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/restart_policy.hpp"

#include <algorithm>

namespace mshv::control {

using api::State;
using store::IntentKind;

bool awaits_restart(const store::PartitionRow& row) {
    return !row.runtime && row.intent && row.intent->kind == IntentKind::restart;
}

bool ended_unasked(const store::PartitionRow& row) {
    switch (row.state) {
    case State::running:
    case State::paused:
    case State::restarting:
        return true;
    case State::stopping:
        return row.intent && row.intent->kind == IntentKind::reboot;
    default:
        return false;
    }
}

RestartRuling judge_restart(const api::PartitionSpec& spec,
                            const std::vector<api::HistoryEntry>& history, std::size_t failed,
                            std::int64_t now_ms) {
    const api::RestartPolicy& policy = spec.restart;
    if (spec.on_crash != api::OnEnd::restart && policy.policy == api::RestartPolicyKind::never) {
        return {};
    }
    std::size_t earlier = failed;
    for (const auto& run : history) {
        if (run.started_by != restart_actor ||
            now_ms - run.started_ms >= std::int64_t{policy.window_s} * 1000) {
            break;
        }
        ++earlier;
    }
    if (earlier >= policy.limit) {
        return {std::nullopt, true};
    }
    const std::int64_t longest = std::int64_t{policy.max_delay_s} * 1000;
    std::int64_t delay = std::min(std::int64_t{policy.delay_s} * 1000, longest);
    for (std::size_t i = 0; i < earlier && delay < longest; ++i) {
        delay = std::min(delay * 2, longest);
    }
    return {delay, false};
}

RestartPlan plan_restart(Core& core, const store::PartitionRow& row, std::size_t failed) {
    const api::PartitionSpec spec = core.definition(row).spec;
    const auto history =
        core.store.history(api::to_string(row.uuid), std::size_t{spec.restart.limit} + 1);
    const RestartRuling ruling = judge_restart(spec, history, failed, core.clock.wall_ms());
    RestartPlan plan;
    plan.limit = ruling.limit;
    if (ruling.limit) {
        plan.says = "not started again: " + std::to_string(spec.restart.limit) +
                    " restarts within " + std::to_string(spec.restart.window_s) + " s";
    }
    if (ruling.delay_ms) {
        store::Intent& intent = plan.intent.emplace();
        intent.kind = IntentKind::restart;
        intent.actor = restart_actor;
        intent.started_ms = core.clock.wall_ms();
        intent.started_boot = core.clock.boot_ms();
        intent.deadline_boot = intent.started_boot + *ruling.delay_ms;
        plan.says = "it is started again in " + std::to_string(*ruling.delay_ms / 1000) + " s";
    }
    return plan;
}

} // namespace mshv::control
