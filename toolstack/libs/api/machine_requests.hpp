// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace mshv::api {

// Scopes as in device_requests.hpp.

/// POST /v1/partitions/{sel}/set-vcpus
struct SetVcpusRequest {
    unsigned count = 0;
    bool maximum = false;     ///< how many it can have, not how many there are
    bool ignore_host = false; ///< more than this host has processors
    bool live = false, config = false;
    std::uint64_t timeout_ms = 10'000; ///< for the guest to let go of one
};

/// POST /v1/partitions/{sel}/suspend and …/resume
struct SleepRequest {
    std::uint64_t timeout_ms = 30'000; ///< for the guest to sleep, or to be awake
};

} // namespace mshv::api
