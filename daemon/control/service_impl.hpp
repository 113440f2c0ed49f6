// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/admission.hpp"
#include "daemon/control/autostarter.hpp"
#include "daemon/control/core.hpp"
#include "daemon/control/devices.hpp"
#include "daemon/control/factory.hpp"
#include "daemon/control/guests.hpp"
#include "daemon/control/jobs.hpp"
#include "daemon/control/ladder_engine.hpp"
#include "daemon/control/log_folders.hpp"
#include "daemon/control/machine_service.hpp"
#include "daemon/control/operations.hpp"
#include "daemon/control/reconciler.hpp"
#include "daemon/control/restarter.hpp"
#include "daemon/control/sampler.hpp"
#include "daemon/control/scheduling.hpp"
#include "daemon/control/supervisor.hpp"
#include "daemon/control/tuning.hpp"

#include <atomic>
#include <memory>

namespace mshv::control {

/// The use cases over control's parts. Reads are in queries.cpp, changes in commands.cpp, and what
/// concerns definitions over time in revisions.cpp.
class ServiceImpl final : public Service, private MachineService {
public:
    explicit ServiceImpl(const Dependencies& dependencies);
    ServiceImpl(const ServiceImpl&) = delete;
    ServiceImpl& operator=(const ServiceImpl&) = delete;
    ~ServiceImpl() override { ServiceImpl::stop(); }

    void start_up() override;
    void stop() override;
    [[nodiscard]] Counts counts() const override;

    GuestService& guests() override { return guests_; }
    MachineService& machine() override { return *this; }
    SchedulingService& scheduling() override { return scheduling_; }
    std::string list_json(bool include_off) override;
    Snapshot snapshot() override;
    api::PartitionView get(const api::Selector& selector) override;
    api::StoredDefinition definition(const api::Selector& selector,
                                     std::optional<std::int64_t> revision) override;
    api::RevisionList revisions(const api::Selector& selector, std::size_t limit) override;
    api::ChangeList changes(const api::Selector& selector, std::optional<std::int64_t> from,
                            std::optional<std::int64_t> to) override;
    api::Plan plan(const api::PlanRequest& request) override;
    api::VmmArguments vmm_arguments(const api::Selector& selector) override;
    api::VmmArguments vmm_arguments(const api::PartitionSpec& spec) override;
    api::EventPage events(std::int64_t since, std::size_t limit, std::optional<api::Uuid> partition,
                          Deadline wait) override;
    std::vector<api::HistoryEntry> history(const std::optional<std::string>& name_or_uuid,
                                           std::size_t limit) override;
    api::PartitionView wait_state(const api::Selector& selector,
                                  const std::vector<api::State>& states,
                                  Deadline deadline) override;
    std::vector<api::VcpuView> vcpus(const api::Selector& selector, Deadline deadline) override;
    api::ClaimList claims() override { return admission_.list(); }
    api::Comparison compare(const api::CompareRequest& request) override {
        return operations_.compare(request.path);
    }
    api::JobList jobs() override { return jobs_.list(); }
    api::JobView job(std::int64_t id, Deadline wait) override { return jobs_.get(id, wait); }
    std::vector<posix::Fd> console_log(const api::Selector& selector) override;

    api::PartitionView create(const api::CreateRequest& request, const Actor& actor,
                              Deadline wait_busy) override;
    api::PartitionView undefine(const api::Selector& selector, std::optional<std::int64_t> revision,
                                const Actor& actor, Deadline wait_busy) override;
    api::PartitionView replace(const api::Selector& selector, const api::ReplaceRequest& request,
                               const Actor& actor, Deadline wait_busy) override;
    api::PartitionView rollback(const api::Selector& selector, const api::RollbackRequest& request,
                                const Actor& actor, Deadline wait_busy) override;
    api::PartitionView start(const api::Selector& selector, const api::StartRequest& request,
                             const Actor& actor, Deadline wait_busy) override;
    api::PartitionView shutdown(const api::Selector& selector, const api::ShutdownRequest& request,
                                const Actor& actor, Deadline wait_busy) override;
    api::PartitionView reboot(const api::Selector& selector, const api::ShutdownRequest& request,
                              const Actor& actor, Deadline wait_busy) override;
    api::PartitionView reset(const api::Selector& selector, const Actor& actor,
                             Deadline wait_busy) override;
    api::PartitionView destroy(const api::Selector& selector, const api::DestroyRequest& request,
                               const Actor& actor, Deadline wait_busy) override;
    api::PartitionView pause(const api::Selector& selector, const Actor& actor,
                             Deadline wait_busy) override;
    api::PartitionView unpause(const api::Selector& selector, const Actor& actor,
                               Deadline wait_busy) override;
    void trigger(const api::Selector& selector, const api::TriggerRequest& request,
                 const Actor& actor, Deadline wait_busy) override;
    api::PartitionView rename(const api::Selector& selector, const api::RenameRequest& request,
                              const Actor& actor, Deadline wait_busy) override;
    api::PartitionView set_autostart(const api::Selector& selector,
                                     const api::AutostartRequest& request, const Actor& actor,
                                     Deadline wait_busy) override;
    api::PartitionView note_host_shutdown(const api::Selector& selector,
                                          const api::HostShutdownRequest& request,
                                          const Actor& actor) override;
    api::JobView save(const api::Selector& selector, const api::SaveRequest& request,
                      const Actor& actor, Deadline wait_busy) override;
    api::JobView dump(const api::Selector& selector, const api::DumpRequest& request,
                      const Actor& actor, Deadline wait_busy) override;
    api::JobView restore(const api::RestoreRequest& request, const Actor& actor,
                         Deadline wait_busy) override;
    api::PartitionView drop_saved(const api::Selector& selector, const Actor& actor,
                                  Deadline wait_busy) override;
    api::JobView cancel_job(std::int64_t id, const Actor& actor) override;
    api::DiskList disks(const api::Selector& selector) override;
    api::PartitionView attach_disk(const api::Selector& selector,
                                   const api::AttachDiskRequest& request, const Actor& actor,
                                   Deadline wait_busy) override;
    api::PartitionView detach_disk(const api::Selector& selector,
                                   const api::DetachDiskRequest& request, const Actor& actor,
                                   Deadline wait_busy) override;
    api::PartitionView resize_disk(const api::Selector& selector,
                                   const api::ResizeDiskRequest& request, const Actor& actor,
                                   Deadline wait_busy) override;
    api::PartitionView change_medium(const api::Selector& selector,
                                     const api::ChangeMediumRequest& request, const Actor& actor,
                                     Deadline wait_busy) override;
    api::PartitionView set_disk_limits(const api::Selector& selector,
                                       const api::SetDiskLimitsRequest& request, const Actor& actor,
                                       Deadline wait_busy) override;
    api::PartitionView set_memory(const api::Selector& selector,
                                  const api::SetMemoryRequest& request, const Actor& actor,
                                  Deadline wait_busy) override;
    api::PartitionView pin_vcpu(const api::Selector& selector, const api::PinVcpuRequest& request,
                                const Actor& actor, Deadline wait_busy) override;
    api::PartitionView set_vcpus(const api::Selector& selector, const api::SetVcpusRequest& request,
                                 const Actor& actor, Deadline wait_busy) override;
    api::PartitionView suspend(const api::Selector& selector, const api::SleepRequest& request,
                               const Actor& actor, Deadline wait_busy) override;
    api::PartitionView wake(const api::Selector& selector, const api::SleepRequest& request,
                            const Actor& actor, Deadline wait_busy) override;
    api::MemoryView memory(const api::Selector& selector, Deadline deadline) override;
    api::NicList nics(const api::Selector& selector) override;
    api::PartitionView attach_nic(const api::Selector& selector,
                                  const api::AttachNicRequest& request, const Actor& actor,
                                  Deadline wait_busy) override;
    api::PartitionView detach_nic(const api::Selector& selector,
                                  const api::DetachNicRequest& request, const Actor& actor,
                                  Deadline wait_busy) override;
    api::PartitionView set_link(const api::Selector& selector, const api::SetLinkRequest& request,
                                const Actor& actor, Deadline wait_busy) override;
    void attach_console(const api::Selector& selector, posix::Fd client,
                        const vmm::ConsoleRequest& request, const Actor& actor,
                        Deadline deadline) override;

private:
    /// Core::hold() of who may be asked for `verb` in its state.
    Core::Held hold(const api::Selector& selector, domain::Verb verb, const Actor& actor,
                    Deadline wait_busy);
    std::optional<api::PartitionView> stop_restart(const api::Selector& selector,
                                                   const Actor& actor, Deadline wait_busy);
    using Turn = std::int64_t (vmm::VmmProcess::*)(Deadline);
    /// Lets the VPs run or stand still, and returns when that is recorded.
    api::PartitionView turn(const store::PartitionRow& row, const Actor& actor, Turn how);
    void begin_ladder(const store::PartitionRow& row, store::IntentKind kind,
                      const api::ShutdownPolicy& policy, const Actor& actor);
    std::optional<api::PartitionView> ended_transient(const std::string& text);
    /// UUID of a partition that is, or of the last run of one that was.
    api::Uuid uuid_of(const api::Selector& selector);

    /// Between the VmmHost's threads, which outlive the service, and the supervisor.
    struct Gate {
        posix::Mutex mutex;
        Supervisor* supervisor MSHV_GUARDED_BY(mutex) = nullptr;
    };

    Core core_;
    std::shared_ptr<Gate> gate_ = std::make_shared<Gate>(); ///< shared with the event sink
    Supervisor supervisor_;
    Admission admission_;
    Operations operations_;
    Jobs jobs_;
    Devices devices_;
    Tuning tuning_;
    Scheduling scheduling_;
    Guests guests_;
    LadderEngine ladders_;
    Reconciler reconciler_;
    Restarter restarter_;
    Autostarter autostarter_;
    Sampler sampler_;
    Census census_;
    LogFolders log_folders_;
    std::atomic<bool> started_ = false;
    std::atomic<bool> stopped_ = false;
};

} // namespace mshv::control
