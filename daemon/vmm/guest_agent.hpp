// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/guest.hpp"
#include "toolstack/libs/posix/deadline.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace mshv::vmm {

class VmmProcess;

/// How long a call of GuestAgent may take, and who makes it.
struct AgentTime {
    posix::Deadline turn; ///< until when another talk with the same agent is waited for
    posix::Deadline talk; ///< for its own, from its beginning
    std::string who{};    ///< "guest info by uid 0", told to whoever finds the agent taken
};

/// A virtual processor as a guest has it.
struct GuestVcpu {
    std::int64_t id = 0; ///< the guest's own number
    bool online = false, can_offline = false;
};

/// The agent in a partition's guest. Its channel is one stream: one talk at a time, and a shutdown
/// takes it from whoever has it. Thread-safe. Answers are a stranger's: bounded in bytes, depth,
/// number and time. Each call throws api::Error: busy naming who talks with it, timeout when the
/// guest has not answered, unsupported for what its agent does not know, failed with the agent's own
/// text.
class GuestAgent {
public:
    virtual ~GuestAgent() = default;

    virtual void ping(const AgentTime& time) = 0;
    virtual api::GuestInfo info(const AgentTime& time) = 0;
    /// Aliases of the partition's own interfaces are the caller's to find.
    virtual api::GuestAddresses addresses(const AgentTime& time) = 0;
    virtual api::GuestExecStarted exec(const api::GuestExecRequest& request,
                                       const AgentTime& time) = 0;
    /// As it is at the moment; wait_ms is the caller's.
    virtual api::GuestExecStatus exec_status(std::int64_t pid, const AgentTime& time) = 0;
    /// How many file systems it has frozen or thawed. After a timeout a guest may freeze yet.
    virtual std::int64_t freeze(const AgentTime& time) = 0;
    virtual std::int64_t thaw(const AgentTime& time) = 0;
    virtual bool frozen(const AgentTime& time) = 0;
    /// Unix nanoseconds of the guest's clock.
    virtual std::int64_t clock_ns(const AgentTime& time) = 0;
    virtual void set_clock(std::int64_t unix_ns, const AgentTime& time) = 0;
    virtual std::vector<GuestVcpu> vcpus(const AgentTime& time) = 0;
    /// Uses these or not, as `online` says. Failed when the guest did not do all of it.
    virtual void set_vcpus(const std::vector<GuestVcpu>& vcpus, const AgentTime& time) = 0;
    /// Asks the guest to sleep in RAM. Returns when the agent has the request: what sleeps does not
    /// answer.
    virtual void suspend(const AgentTime& time) = 0;
    /// Ends the talk that goes on, if there is one; its caller is told busy.
    virtual void interrupt() = 0;
};

/// A VmmProcess whose guest can have an agent.
class GuestAgentOwner {
public:
    virtual ~GuestAgentOwner() = default;
    /// Null when the partition has no channel for one.
    virtual GuestAgent* guest_agent() = 0;
};

/// Null when there is no channel for one.
GuestAgent* guest_agent_of(VmmProcess& process);

} // namespace mshv::vmm
