// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/core.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// The restart policy where no keeper is left to apply it: see daemon/keeper/policy.hpp for the same
// rules while it lives.

namespace mshv::control {

/// Who starts what the policy starts, in events and in the history that it is counted by.
inline constexpr const char* restart_actor = "restart policy";

/// Does a restart wait for its time?
bool awaits_restart(const store::PartitionRow& row);

/// Did nobody want the run to end, nor its VMM to stay for inspection?
bool ended_unasked(const store::PartitionRow& row);

struct RestartRuling {
    std::optional<std::int64_t> delay_ms; ///< absent = no restart
    bool limit = false;                   ///< none because there have been too many
};

/// Judges the end of a run by no fault of its guest's. `history` is the partition's, newest first;
/// `failed` starts by the policy are not in it yet. The policy's own starts since anybody else's,
/// inside the window, count towards the limit and double the delay.
RestartRuling judge_restart(const api::PartitionSpec& spec,
                            const std::vector<api::HistoryEntry>& history, std::size_t failed,
                            std::int64_t now_ms);

/// The same from the database, as what is to be recorded with the end.
struct RestartPlan {
    std::optional<store::Intent> intent;
    bool limit = false;
    std::string says; ///< for the end's detail
};
RestartPlan plan_restart(Core& core, const store::PartitionRow& row, std::size_t failed);

} // namespace mshv::control
