// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/core.hpp"
#include "daemon/control/operations.hpp"
#include "daemon/control/scheduling_service.hpp"
#include "toolstack/libs/posix/mutex.hpp"

#include <functional>
#include <string>

namespace mshv::control {

/// Processor time of partitions. The database says what a group shall be; apply() makes it so.
class Scheduling final : public SchedulingService {
public:
    Scheduling(Core& core, Operations& operations) : core_(core), operations_(operations) {}

    api::SchedulingList all() override;
    api::SchedulingView get(const api::Selector& selector, bool config) override;
    api::SchedulingView set(const api::Selector& selector, const api::SetSchedulingRequest& request,
                            const Actor& actor, Deadline wait_busy) override;
    api::CpuPoolList pools() override;
    api::CpuPoolList create_pool(const api::CreateCpuPoolRequest& request,
                                 const Actor& actor) override;
    api::CpuPoolList destroy_pool(const std::string& name, const Actor& actor) override;
    api::CpuPoolList rename_pool(const std::string& name, const std::string& next,
                                 const Actor& actor) override;
    api::CpuPoolList add_cpus(const std::string& name, const std::string& cpus,
                              const Actor& actor) override;
    api::CpuPoolList remove_cpus(const std::string& name, const std::string& cpus,
                                 const Actor& actor) override;
    api::CpuPoolList split_by_node(const Actor& actor) override;

    /// Brings the group of a run to what the database says, with its processes in it.
    void settle(const api::Uuid& uuid) noexcept;
    /// Removes the groups of partitions that do not run.
    void sweep() noexcept;
    void sweep(const api::Uuid& uuid) noexcept;

private:
    /// True when something was other than it is to be.
    bool apply(const api::Uuid& uuid);
    void sweep_one(const api::Uuid& uuid);
    api::SchedulingView view(const Directory::Entry& entry, bool config);
    /// Tells every run, after a change of the pools.
    void tell_all();
    /// As the kernel may forget pins when the processors of a group change.
    void pin_again(const store::PartitionRow& row, Deadline deadline);
    void change_pool(const std::string& name, const Actor& actor,
                     const std::function<void(store::Transaction&, store::CpuPoolRow&)>& change);

    Core& core_;
    Operations& operations_;
};

/// Throws Error{wrong_state} naming partitions that are to run in the pool.
void refuse_used(store::Transaction& t, const std::string& pool, const std::string& what);
/// Processors as the user wrote them. Throws Error{usage}.
api::CpuSet named_cpus(const std::string& text, const std::string& sys);

} // namespace mshv::control
