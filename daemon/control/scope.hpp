// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/store/rows.hpp"

namespace mshv::control {

/// What of a partition a change is meant for: what runs, its definition, or both.
struct Scope {
    bool live = false, config = false;
};

/// As asked for; where nothing was, what runs, and else the definition. Throws Error{wrong_state}
/// when that cannot be changed now.
Scope scope_of(const store::PartitionRow& row, bool live, bool config);

} // namespace mshv::control
