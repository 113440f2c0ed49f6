// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/spec.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mshv::api {

/// The limits of an IoTune and their names; in guest XML each has "_sec" behind it.
inline constexpr std::array<std::pair<std::string_view, std::optional<IoLimit> IoTune::*>, 6>
    io_limits{{{"total_bytes", &IoTune::total_bytes},
               {"read_bytes", &IoTune::read_bytes},
               {"write_bytes", &IoTune::write_bytes},
               {"total_iops", &IoTune::total_iops},
               {"read_iops", &IoTune::read_iops},
               {"write_iops", &IoTune::write_iops}}};

/// The largest number that a VMM takes, of bytes or requests a second, and of those in a burst.
inline constexpr std::uint64_t most_io = 1'000'000'000'000'000;

/// Why a limit cannot be.
struct LimitFault {
    std::string element; ///< of the guest XML: "total_bytes_sec_max"
    std::string message;
};
std::vector<LimitFault> faults_of(const IoTune& tune);

/// Limits of nothing become none.
void normalise(std::optional<IoTune>& tune);

/// "total_bytes_sec=1000 total_bytes_sec_max=2000", as in guest XML; empty without a limit.
std::string limits_text(const std::optional<IoTune>& tune);

} // namespace mshv::api
