// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/core.hpp"
#include "toolstack/libs/api/requests.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mshv::control {

// What every definition goes through before it is stored.

std::uint64_t random_bits();

/// Throws Error{invalid} with all of `problems` that are not warnings.
void refuse_when_invalid(std::vector<api::Problem> problems, const std::string& name);

/// The canonical form, valid by itself and on this host. Throws Error{invalid}.
api::PartitionSpec prepared(Core& core, api::PartitionSpec spec, bool& generated_macs);

/// A generated address that somebody has already: another try may avoid that.
bool is_mac_conflict(const api::Error& error);
constexpr int mac_attempts = 8;

/// Throws denied when the definition is protected against deletion, wrong_state when it is not at
/// `revision` or the partition has a saved state.
void refuse_removal(const store::PartitionRow& row, std::optional<std::int64_t> revision);

/// What `request` stores as a new partition; `usual` is the cause where it says none.
store::Definition new_definition(const api::PartitionSpec& spec, const api::CreateRequest& request,
                                 api::Cause usual);

/// The cause of a definition that replaces another.
api::Cause replacing_cause(api::Cause asked);

} // namespace mshv::control
