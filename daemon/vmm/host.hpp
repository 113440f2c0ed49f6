// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/vmm/factory.hpp"
#include "daemon/vmm/hub.hpp"
#include "daemon/vmm/kernel_cache.hpp"
#include "daemon/vmm/qemu/planner.hpp"
#include "daemon/vmm/qemu/probe.hpp"

#include <future>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

namespace mshv::vmm {

/// The VMMs of this machine: QEMU under keepers.
class QemuHost final : public VmmHost {
public:
    explicit QemuHost(HostOptions options);

    std::vector<api::Problem> objections(const api::PartitionSpec& spec) override;
    domain::LaunchPlan plan(const PlanRequest& request) override;
    std::unique_ptr<VmmProcess> launch(const domain::LaunchPlan& plan, Deadline deadline) override;
    Adopted adopt(const api::Uuid& uuid, const KeeperRecord& record, std::int64_t acknowledged,
                  Deadline deadline) override;
    void clean(const api::Uuid& uuid, const std::string& incarnation, Deadline deadline) override;
    std::vector<std::pair<api::Uuid, std::string>> incarnations() override;
    std::vector<domain::VmmCapability> capabilities() override;
    void set_event_sink(EventSink sink) override { hub_->set_sink(std::move(sink)); }

private:
    /// What is found out once, in the background.
    struct Probed {
        qemu::HostAccelerators accelerators;
        std::uint64_t tsc_khz = 0;
        std::string scheduler; ///< of the Microsoft hypervisor; empty = not known
    };
    static Probed probe_host(bool own_users);

    [[nodiscard]] std::string program_for(const api::PartitionSpec& spec) const;
    [[nodiscard]] std::optional<domain::VmmUser> user_for(api::PartitionNumber id,
                                                          api::Accelerator accelerator) const;
    qemu::BootImage boot_image(const api::PartitionSpec& spec, api::Accelerator accelerator);
    [[nodiscard]] std::string rom(const std::string& name) const;
    std::set<std::string> kernels_in_use();
    Adopted adopt_living(const api::Uuid& uuid, const KeeperRecord& record, posix::PidFd keeper,
                         std::int64_t acknowledged, Deadline deadline);

    HostOptions options_;
    qemu::CapabilityCache capabilities_;
    KernelCache kernels_;
    std::shared_ptr<Hub> hub_; // shared with every VmmProcess, which may outlive the host
    std::shared_future<Probed> probed_;
    std::jthread warm_up_; ///< last: joined before what it fills goes
};

} // namespace mshv::vmm
