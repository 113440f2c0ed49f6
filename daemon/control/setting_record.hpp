// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/core.hpp"
#include "daemon/control/operations.hpp"

#include <string>

namespace mshv::control {

/// A setting as it is recorded before its effect: what runs (null: as it is) and the definition
/// (null likewise), both or neither, with the event.
struct Recorded {
    const api::PartitionSpec* running = nullptr;
    const Operations::Replacement* definition = nullptr;
    std::string kind, detail;
};
/// Throws wrong_state when the run has ended meanwhile.
void record_setting(Core& core, const store::PartitionRow& row, const Recorded& what,
                    const std::string& actor);

} // namespace mshv::control
