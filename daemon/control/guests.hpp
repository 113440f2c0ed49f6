// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/core.hpp"
#include "daemon/control/guest_service.hpp"
#include "daemon/control/thaws.hpp"
#include "daemon/vmm/guest_agent.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace mshv::control {

/// What guests are asked by their agents.
class Guests final : public GuestService {
public:
    explicit Guests(Core& core) : core_(core), thaws_(core) {}

    void start() { thaws_.start(); }
    /// Ends every talk.
    void stop();

    /// Throws wrong_state for a guest that is frozen: its state, saved, would have no deadline.
    void refuse_frozen(const store::PartitionRow& row) const;

    api::GuestPing ping(const api::Selector& selector, const Actor& actor) override;
    api::GuestInfo info(const api::Selector& selector, const Actor& actor) override;
    api::GuestAddresses addresses(const api::Selector& selector, const Actor& actor) override;
    api::GuestExecStarted exec(const api::Selector& selector, const api::GuestExecRequest& request,
                               const Actor& actor, Deadline wait_busy) override;
    api::GuestExecStatus exec_status(const api::Selector& selector,
                                     const api::GuestExecStatusRequest& request,
                                     const Actor& actor) override;
    api::GuestFreeze freeze(const api::Selector& selector, const api::GuestFreezeRequest& request,
                            const Actor& actor, Deadline wait_busy) override;
    api::GuestFreeze thaw(const api::Selector& selector, const Actor& actor,
                          Deadline wait_busy) override;
    api::GuestFreeze freeze_status(const api::Selector& selector, const Actor& actor) override;
    api::GuestTime sync_time(const api::Selector& selector, const Actor& actor,
                             Deadline wait_busy) override;

private:
    /// Whom one talks with. The process keeps the agent.
    struct Guest {
        store::PartitionRow row;
        std::shared_ptr<vmm::VmmProcess> process;
        vmm::GuestAgent* agent = nullptr;
    };
    /// Throws wrong_state where nobody can answer, unsupported without a channel.
    Guest reach(const api::Selector& selector);
    [[nodiscard]] vmm::AgentTime time(std::string_view what, const Actor& actor, Deadline wait_busy,
                                      std::chrono::milliseconds span) const;
    [[nodiscard]] vmm::AgentTime time(std::string_view what, const Actor& actor) const;
    void record(const Guest& guest, std::string_view event, const Actor& actor,
                const std::string& detail);
    [[nodiscard]] api::GuestFreeze freeze_view(const store::PartitionRow& row, bool frozen) const;
    /// What the host has seen of a partition's interfaces on their bridges.
    api::GuestAddresses seen_addresses(const store::PartitionRow& row);
    /// Names of the definition for what the guest has.
    void add_aliases(const store::PartitionRow& row, api::GuestAddresses& addresses);

    Core& core_;
    Thaws thaws_;
};

} // namespace mshv::control
