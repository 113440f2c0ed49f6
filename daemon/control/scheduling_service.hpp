// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/scheduling.hpp"
#include "toolstack/libs/posix/deadline.hpp"

#include <string>

namespace mshv::control {

struct Actor;

/// The use cases of processor time: weights, caps, and pools of processors. Thread-safe. A change
/// is durable before the kernel hears of it, and told to it again by whoever finds that it has
/// another.
class SchedulingService {
public:
    virtual ~SchedulingService() = default;

    virtual api::SchedulingList all() = 0;
    /// `config`: of the definition although something runs.
    virtual api::SchedulingView get(const api::Selector& selector, bool config) = 0;
    virtual api::SchedulingView set(const api::Selector& selector,
                                    const api::SetSchedulingRequest& request, const Actor& actor,
                                    posix::Deadline wait_busy) = 0;

    virtual api::CpuPoolList pools() = 0;
    virtual api::CpuPoolList create_pool(const api::CreateCpuPoolRequest& request,
                                         const Actor& actor) = 0;
    /// These refuse a pool that partitions are to run in, naming them.
    virtual api::CpuPoolList destroy_pool(const std::string& name, const Actor& actor) = 0;
    virtual api::CpuPoolList rename_pool(const std::string& name, const std::string& next,
                                         const Actor& actor) = 0;
    /// Takes processors that are in no other pool.
    virtual api::CpuPoolList add_cpus(const std::string& name, const std::string& cpus,
                                      const Actor& actor) = 0;
    /// Throws wrong_state for the last processor of a pool that partitions are to run in.
    virtual api::CpuPoolList remove_cpus(const std::string& name, const std::string& cpus,
                                         const Actor& actor) = 0;
    /// A pool of each NUMA node but the first, whose processors stay in Pool-0.
    virtual api::CpuPoolList split_by_node(const Actor& actor) = 0;
};

} // namespace mshv::control
