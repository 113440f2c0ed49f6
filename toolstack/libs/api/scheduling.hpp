// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/identity.hpp"
#include "toolstack/libs/api/spec.hpp"
#include "toolstack/libs/api/view.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mshv::api {

inline constexpr unsigned usual_weight = 100, most_weight = 10'000;
/// The pool of those processors that are in no other.
inline constexpr const char* first_pool = "Pool-0";

/// xl's weights are proportions of 256, ours of 100.
constexpr unsigned weight_of_xl(unsigned weight) {
    const unsigned ours = (weight * usual_weight + 128) / 256;
    return ours < 1 ? 1 : ours > most_weight ? most_weight : ours;
}
constexpr unsigned xl_weight(unsigned weight) {
    return (weight * 256 + usual_weight / 2) / usual_weight;
}

/// POST /v1/partitions/{sel}/set-scheduling. Scopes as in device_requests.hpp. What is absent
/// stays.
struct SetSchedulingRequest {
    std::optional<unsigned> weight; ///< 100 = as every other
    std::optional<CpuCap> cap;      ///< quota_us 0 takes it away
    std::optional<std::string> pool;
    bool live = false, config = false;
    std::uint64_t timeout_ms = 10'000; ///< for the VMM, whose pins are set anew
};

/// What a cap has done to a run.
struct ThrottledView {
    std::uint64_t periods = 0, throttled = 0, throttled_us = 0;
};

/// Of what runs, and where nothing does of the definition.
struct SchedulingView {
    std::string name;
    std::int64_t id = 0;
    Uuid uuid;
    State state = State::shutoff;
    unsigned weight = usual_weight;
    std::optional<CpuCap> cap;
    std::string pool = first_pool;
    std::optional<ThrottledView> throttled; ///< absent: nothing runs, or in no control group
};

/// GET /v1/scheduling
struct SchedulingList {
    std::vector<SchedulingView> partitions;
};

/// GET /v1/cpu-pools
struct CpuPoolView {
    std::string name;
    std::string cpus;                    ///< "0-3,7"; empty = none
    std::vector<std::string> partitions; ///< that run in it or are to
};
struct CpuPoolList {
    std::vector<CpuPoolView> pools;
    std::string unavailable; ///< why no partition can run in a pool on this host; empty = it can
};

/// POST /v1/cpu-pools
struct CreateCpuPoolRequest {
    std::string name;
    std::string cpus; ///< "0-3,^2", "node:1"; empty = none yet
};
/// POST /v1/cpu-pools/{pool}/rename
struct RenameCpuPoolRequest {
    std::string name;
};
/// POST /v1/cpu-pools/{pool}/add-cpus and remove-cpus
struct CpuPoolCpusRequest {
    std::string cpus;
};

} // namespace mshv::api
