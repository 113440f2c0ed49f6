// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace mshv::api {

// Scopes as in device_requests.hpp.

/// POST /v1/partitions/{sel}/set-memory
struct SetMemoryRequest {
    std::uint64_t size = 0; ///< bytes, whole MiB
    bool maximum = false;   ///< all of its memory, not what the balloon leaves it
    bool live = false, config = false;
    std::uint64_t timeout_ms = 10'000; ///< for the VMM, not for the guest
};

/// GET /v1/partitions/{sel}/memory
struct MemoryView {
    std::uint64_t maximum = 0;            ///< bytes: all of it
    std::uint64_t target = 0;             ///< what the balloon shall leave the guest
    std::optional<std::uint64_t> reached; ///< what it leaves it now; absent: nothing runs, or
                                          ///< there is no balloon
};

/// POST /v1/partitions/{sel}/pin-vcpu
struct PinVcpuRequest {
    std::optional<unsigned> vcpu; ///< absent = each
    std::string cpus;             ///< "0-3,^2", "node:1"; "all" takes a pin away
    bool live = false, config = false;
    std::uint64_t timeout_ms = 10'000;
};

} // namespace mshv::api
