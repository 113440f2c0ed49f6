// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/revision.hpp"

#include <vector>

namespace mshv::domain {

/// What differs between two canonical definitions, and when each difference is felt.
std::vector<api::SpecChange> changes(const api::PartitionSpec& before,
                                     const api::PartitionSpec& after);

/// A partition that was started with the definition before `changes` has not got them all.
bool needs_start(const std::vector<api::SpecChange>& changes);

/// Fills in what `spec` leaves open with what `before` has, so that the guest finds the same NICs.
void inherit(api::PartitionSpec& spec, const api::PartitionSpec& before);

} // namespace mshv::domain
