// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/enum_names.hpp"
#include "toolstack/libs/api/identity.hpp"
#include "toolstack/libs/api/view.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace mshv::api {

/// Whether a partition starts for which the host has no memory.
enum class Admission { refuse, warn, off };
MSHV_ENUM_NAMES(Admission, {Admission::refuse, "refuse"}, {Admission::warn, "warn"},
                {Admission::off, "off"});

/// What a partition that runs was promised of the host's memory, and has of it. Bytes.
struct ClaimView {
    PartitionNumber id = 0;
    Uuid uuid{};
    std::string name;
    State state = State::shutoff;
    std::int64_t vcpus = 1;
    std::int64_t cpu_time_ms = 0;
    std::uint64_t memory = 0;      ///< promised to the guest; 0 where it has huge pages
    std::uint64_t overhead = 0;    ///< to its VMM
    std::uint64_t deposit = 0;     ///< to the hypervisor, on its behalf
    std::uint64_t taken = 0;       ///< of all that
    std::uint64_t outstanding = 0; ///< what it may still take
};

/// GET /v1/claims. Bytes.
struct ClaimList {
    Admission admission = Admission::refuse;
    std::uint64_t total = 0;       ///< the host's memory
    std::uint64_t available = 0;   ///< what nobody has taken
    std::uint64_t reserved = 0;    ///< of it, kept for the host
    std::uint64_t outstanding = 0; ///< of it, promised
    std::uint64_t room = 0;        ///< of it, for partitions that start
    std::vector<ClaimView> claims; ///< in id order
};

} // namespace mshv::api
