// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/spec.hpp"

#include <cstdint>
#include <functional>

namespace mshv::domain {

/// 64 random bits at each call.
using Random = std::function<std::uint64_t()>;

/// What canonicalise() had to invent.
struct Generated {
    bool uuid = false;
    bool macs = false; ///< at least one: another try may avoid a collision
};

/// Fills in what was left open and must never change again: UUID, MAC addresses, device names and
/// aliases. Letters of a MAC become lower case. A spec that is canonical already stays as it is.
Generated canonicalise(api::PartitionSpec& spec, const Random& random);

} // namespace mshv::domain
