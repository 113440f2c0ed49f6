// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/revision.hpp"

#include <vector>

namespace mshv::api {

/// Every place at which two definitions differ, in the order of the spec's fields; empty exactly
/// when they are equal. Disks are known by their target, NICs by their alias, others of a list by
/// name or place. `takes` is not judged here.
std::vector<SpecChange> differences(const PartitionSpec& before, const PartitionSpec& after);

} // namespace mshv::api
