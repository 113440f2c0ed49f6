// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/identity.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mshv::api {

/// POST /v1/compare: would this host restore the file?
struct CompareRequest {
    std::string path; ///< absolute
};

/// One thing that a restore would refuse.
struct Obstacle {
    std::string code; ///< of the error that a restore would answer
    std::string message;
    std::string hint;
};

struct Comparison {
    std::string path;
    std::string name; ///< of the partition that was saved; empty where the file does not say
    std::optional<Uuid> uuid;
    std::string vmm;                 ///< that wrote it
    std::int64_t saved_ms = 0;       ///< wall clock; 0 = the file does not say
    std::vector<Obstacle> obstacles; ///< none = it would be restored
};

} // namespace mshv::api
