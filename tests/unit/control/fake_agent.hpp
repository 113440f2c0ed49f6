// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/vmm/guest_agent.hpp"
#include "tests/unit/control/fake_machine.hpp"

#include <functional>
#include <string>
#include <utility>

namespace mshv::testing {

/// The agent of a guest of FakeMachine's.
class FakeAgent final : public vmm::GuestAgent {
public:
    /// Does something to the guest's keeper, under the machine's lock.
    using Act = std::function<void(const std::string& what, const std::function<void(FakeKeeper&)>&)>;

    FakeAgent(FakeMachine& machine, Act act) : machine_(machine), act_(std::move(act)) {}

    void ping(const vmm::AgentTime& /*time*/) override { ask("ping"); }
    api::GuestInfo info(const vmm::AgentTime& /*time*/) override {
        ask("info");
        api::GuestInfo info;
        info.hostname = "guest";
        return info;
    }
    api::GuestAddresses addresses(const vmm::AgentTime& /*time*/) override {
        ask("addresses");
        return {{{"eth0", machine_.faults().agent_mac, {}, api::AddressSource::agent,
                  {{"10.0.0.5", 24}}}}};
    }
    api::GuestExecStarted exec(const api::GuestExecRequest& request,
                               const vmm::AgentTime& /*time*/) override {
        ask("exec " + request.program);
        return {7};
    }
    /// Ends with the third look.
    api::GuestExecStatus exec_status(std::int64_t pid, const vmm::AgentTime& /*time*/) override {
        ask("status " + std::to_string(pid));
        api::GuestExecStatus status;
        constexpr int enough = 3;
        act_("agent.look", [&](FakeKeeper& keeper) { status.exited = ++keeper.looks >= enough; });
        status.exit_code = status.exited ? std::optional<std::int64_t>(0) : std::nullopt;
        return status;
    }
    std::int64_t freeze(const vmm::AgentTime& /*time*/) override {
        if (const auto why = machine_.faults().fail_freeze; !why.empty()) {
            throw api::Error(api::ErrorCode::failed, why);
        }
        ask("freeze", [](FakeKeeper& keeper) { keeper.frozen = true; });
        return 1;
    }
    std::int64_t thaw(const vmm::AgentTime& /*time*/) override {
        ask("thaw", [](FakeKeeper& keeper) { keeper.frozen = false; });
        return 1;
    }
    bool frozen(const vmm::AgentTime& /*time*/) override {
        bool frozen = false;
        ask("frozen", [&](FakeKeeper& keeper) { frozen = keeper.frozen; });
        return frozen;
    }
    std::int64_t clock_ns(const vmm::AgentTime& /*time*/) override { return 1'000'000'000; }
    void set_clock(std::int64_t unix_ns, const vmm::AgentTime& /*time*/) override {
        ask("clock " + std::to_string(unix_ns));
    }
    std::vector<vmm::GuestVcpu> vcpus(const vmm::AgentTime& /*time*/) override {
        std::vector<vmm::GuestVcpu> vcpus;
        ask("vcpus", [&](FakeKeeper& keeper) {
            for (unsigned i = 0; i < keeper.vcpus; ++i) {
                vcpus.push_back({i, !keeper.offline.contains(i), i != 0});
            }
        });
        return vcpus;
    }
    void set_vcpus(const std::vector<vmm::GuestVcpu>& vcpus,
                   const vmm::AgentTime& /*time*/) override {
        for (const auto& vcpu : vcpus) {
            ask((vcpu.online ? "online " : "offline ") + std::to_string(vcpu.id),
                [&](FakeKeeper& keeper) {
                    if (vcpu.online) {
                        keeper.offline.erase(vcpu.id);
                    } else {
                        keeper.offline.insert(vcpu.id);
                    }
                });
        }
    }
    void suspend(const vmm::AgentTime& /*time*/) override {
        ask("suspend", [this](FakeKeeper& keeper) MSHV_REQUIRES(machine_.mutex_) {
            if (!machine_.faults_.sleepless) {
                machine_.sleep(keeper, true);
            }
        });
    }
    void interrupt() override {}

private:
    void ask(
        const std::string& what,
        const std::function<void(FakeKeeper&)>& effect = [](FakeKeeper&) {}) {
        if (machine_.faults().mute_agent) {
            throw api::Error(api::ErrorCode::timeout, "The guest agent did not answer in time");
        }
        act_("agent." + what, [&](FakeKeeper& keeper) {
            keeper.asked.push_back("agent " + what);
            effect(keeper);
        });
    }

    FakeMachine& machine_;
    const Act act_;
};

} // namespace mshv::testing
