// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/factory.hpp"
#include "daemon/vmm/vmm.hpp"
#include "toolstack/libs/api/requests.hpp"
#include "toolstack/libs/hostprobe/hostprobe.hpp"
#include "toolstack/libs/hostprobe/topology.hpp"
#include "toolstack/libs/posix/mutex.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

namespace mshv::app {

/// What `mshvctl info` shows of the host. Asking is cheap: what takes time is found out on a thread
/// of its own, and again when somebody asks and it is old.
class HostFacts {
public:
    /// `vmm` outlives this.
    HostFacts(vmm::VmmHost& vmm, std::function<control::Service::Counts()> counts,
              std::int64_t schema);
    HostFacts(const HostFacts&) = delete;
    HostFacts& operator=(const HostFacts&) = delete;
    ~HostFacts();

    [[nodiscard]] api::HostView view();

private:
    struct Found {
        hostprobe::HypervisorFacts hypervisor;
        hostprobe::SystemFacts system;
        hostprobe::Topology topology;
        std::vector<domain::VmmCapability> vmms;
        std::chrono::steady_clock::time_point at;
    };
    void look_again(const std::stop_token& stop);

    vmm::VmmHost& vmm_;
    std::function<control::Service::Counts()> counts_;
    std::int64_t schema_;
    posix::Mutex mutex_;
    posix::Condition wanted_;
    bool stale_ MSHV_GUARDED_BY(mutex_) = true;
    std::optional<Found> found_ MSHV_GUARDED_BY(mutex_);
    std::jthread thread_; ///< last: it uses the others
};

} // namespace mshv::app
