// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/vmm/agent_line.hpp"
#include "daemon/vmm/guest_agent.hpp"

#include <functional>
#include <string>

namespace mshv::vmm {

class AgentTalk;

/// QEMU's guest agent behind the VMM's socket.
class Agent final : public GuestAgent {
public:
    explicit Agent(std::string socket) : socket_(std::move(socket)) {}

    /// Asks the guest to power itself off or to reboot. Returns when the agent has the request.
    /// Takes the channel from whoever has it.
    void shutdown(bool reboot, posix::Deadline deadline);

    void ping(const AgentTime& time) override;
    api::GuestInfo info(const AgentTime& time) override;
    api::GuestAddresses addresses(const AgentTime& time) override;
    api::GuestExecStarted exec(const api::GuestExecRequest& request,
                               const AgentTime& time) override;
    api::GuestExecStatus exec_status(std::int64_t pid, const AgentTime& time) override;
    std::int64_t freeze(const AgentTime& time) override;
    std::int64_t thaw(const AgentTime& time) override;
    bool frozen(const AgentTime& time) override;
    std::int64_t clock_ns(const AgentTime& time) override;
    void set_clock(std::int64_t unix_ns, const AgentTime& time) override;
    std::vector<GuestVcpu> vcpus(const AgentTime& time) override;
    void set_vcpus(const std::vector<GuestVcpu>& vcpus, const AgentTime& time) override;
    void suspend(const AgentTime& time) override;
    void interrupt() override { line_.cut(); }

private:
    template <typename Do>
    auto talk(const AgentTime& time, Do action);
    std::int64_t number(std::string_view command, const AgentTime& time);

    const std::string socket_;
    AgentLine line_;
};

} // namespace mshv::vmm
