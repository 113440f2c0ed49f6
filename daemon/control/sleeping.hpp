// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/core.hpp"

#include <string>

namespace mshv::control {

/// Its guest sleeps in RAM: no processor of it runs before it is woken.
[[nodiscard]] bool is_asleep(const store::PartitionRow& row);

/// Throws wrong_state for a guest that sleeps; `cannot` completes "it cannot …".
void refuse_asleep(const store::PartitionRow& row, const std::string& cannot);

/// Wakes a guest that sleeps, so that it hears of what comes next (`what`, for its event). What
/// keeps it from waking is told by an event and does not matter else: whoever asks has other means.
void wake_to_hear(Core& core, const store::PartitionRow& row, const std::string& actor,
                  const std::string& what);

} // namespace mshv::control
