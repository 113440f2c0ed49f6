// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/guest_service.hpp"
#include "daemon/control/machine_service.hpp"
#include "daemon/control/scheduling_service.hpp"
#include "daemon/control/service.hpp"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace mshv::rest::test {

/// Notes what it is asked, and throws what the test wants.
class FakeService : public control::PartitionService,
                    private control::GuestService,
                    private control::MachineService,
                    private control::SchedulingService {
public:
    control::GuestService& guests() override { return *this; }
    control::MachineService& machine() override { return *this; }
    control::SchedulingService& scheduling() override { return *this; }

    api::SchedulingList all() override {
        note("scheduling");
        return {};
    }
    api::SchedulingView get(const api::Selector& selector, bool config) override {
        note("scheduling " + selector.text + (config ? " {config}" : ""));
        return {};
    }
    api::SchedulingView set(const api::Selector& selector, const api::SetSchedulingRequest& request,
                            const control::Actor& actor, posix::Deadline) override {
        note("set-scheduling " + selector.text + " {" +
             (request.weight ? std::to_string(*request.weight) : "") + "} by " + actor.name);
        return {};
    }
    api::CpuPoolList pools() override {
        note("pools");
        return {};
    }
    api::CpuPoolList create_pool(const api::CreateCpuPoolRequest& request,
                                 const control::Actor& actor) override {
        return pool("create", request.name + ' ' + request.cpus, actor);
    }
    api::CpuPoolList destroy_pool(const std::string& name, const control::Actor& actor) override {
        return pool("destroy", name, actor);
    }
    api::CpuPoolList rename_pool(const std::string& name, const std::string& next,
                                 const control::Actor& actor) override {
        return pool("rename", name + ' ' + next, actor);
    }
    api::CpuPoolList add_cpus(const std::string& name, const std::string& cpus,
                              const control::Actor& actor) override {
        return pool("add", name + ' ' + cpus, actor);
    }
    api::CpuPoolList remove_cpus(const std::string& name, const std::string& cpus,
                                 const control::Actor& actor) override {
        return pool("remove", name + ' ' + cpus, actor);
    }
    api::CpuPoolList split_by_node(const control::Actor& actor) override {
        return pool("split", "", actor);
    }

    std::vector<std::string> calls; ///< "start web {paused} by uid 0 …"
    std::function<void()> before;   ///< run by each call; may throw
    control::Snapshot counted;      ///< what snapshot() answers

    std::string list_json(bool include_off) override {
        note("list " + std::to_string(include_off));
        return R"({"partitions":[]})";
    }
    control::Snapshot snapshot() override {
        note("snapshot");
        return counted;
    }
    api::PartitionView get(const api::Selector& selector) override { return view("get", selector); }
    api::StoredDefinition definition(const api::Selector& selector,
                                     std::optional<std::int64_t> revision) override {
        note("definition " + selector.to_string() + of(revision));
        api::StoredDefinition stored;
        stored.spec.name = selector.text;
        stored.xml = "<x/>";
        return stored;
    }
    api::EventPage events(std::int64_t since, std::size_t limit, std::optional<api::Uuid> partition,
                          control::Deadline wait) override {
        note("events " + std::to_string(since) + " " + std::to_string(limit) +
             (partition ? " " + api::to_string(*partition) : ""));
        if (!wait.expired()) {
            std::unique_lock lock(mutex_);
            ++waiting;
            changed_.notify_all();
            changed_.wait(lock, [this] { return released_; });
        }
        return {};
    }
    std::vector<api::HistoryEntry> history(const std::optional<std::string>& name_or_uuid,
                                           std::size_t limit) override {
        note("history " + name_or_uuid.value_or("-") + " " + std::to_string(limit));
        return {};
    }
    api::PartitionView wait_state(const api::Selector& selector,
                                  const std::vector<api::State>& states,
                                  control::Deadline /*deadline*/) override {
        std::string words;
        for (const auto state : states) {
            words += " " + std::string(api::to_name(state));
        }
        return view("wait" + words, selector);
    }
    api::ClaimList claims() override {
        note("claims");
        return {};
    }
    api::Comparison compare(const api::CompareRequest& request) override {
        note("compare " + request.path);
        api::Comparison found;
        found.path = request.path;
        return found;
    }
    std::vector<api::VcpuView> vcpus(const api::Selector& selector,
                                     control::Deadline /*deadline*/) override {
        note("vcpus " + selector.to_string());
        return std::vector<api::VcpuView>(2);
    }
    std::vector<posix::Fd> console_log(const api::Selector& selector) override;

    api::PartitionView create(const api::CreateRequest& request, const control::Actor& actor,
                              control::Deadline wait_busy) override {
        note("create " + request.spec.name + " by " + actor.name +
             (wait_busy.expired() ? "" : " waits"));
        api::PartitionView made;
        made.name = request.spec.name;
        return made;
    }
    api::PartitionView undefine(const api::Selector& selector, std::optional<std::int64_t> revision,
                                const control::Actor& /*actor*/,
                                control::Deadline /*wait_busy*/) override {
        return view("undefine" + of(revision), selector);
    }
    api::RevisionList revisions(const api::Selector& selector, std::size_t limit) override {
        note("revisions " + selector.to_string() + " " + std::to_string(limit));
        return {};
    }
    api::ChangeList changes(const api::Selector& selector, std::optional<std::int64_t> from,
                            std::optional<std::int64_t> to) override {
        note("changes " + selector.to_string() + of(from) + of(to));
        return {};
    }
    api::Plan plan(const api::PlanRequest& request) override {
        note("plan " + request.spec.name);
        return {};
    }
    api::VmmArguments vmm_arguments(const api::Selector& selector) override {
        note("arguments of " + selector.to_string());
        return {};
    }
    api::VmmArguments vmm_arguments(const api::PartitionSpec& spec) override {
        note("arguments for " + spec.name);
        return {};
    }
    api::PartitionView replace(const api::Selector& selector, const api::ReplaceRequest& request,
                               const control::Actor& actor,
                               control::Deadline /*wait_busy*/) override {
        return view("replace by " + request.spec.name + of(request.revision) + " " +
                        std::string(api::to_name(request.cause)) + " by " + actor.name,
                    selector);
    }
    api::PartitionView rollback(const api::Selector& selector, const api::RollbackRequest& request,
                                const control::Actor& /*actor*/,
                                control::Deadline /*wait_busy*/) override {
        return view("rollback to " + std::to_string(request.to) + of(request.revision), selector);
    }
    api::PartitionView start(const api::Selector& selector, const api::StartRequest& request,
                             const control::Actor& /*actor*/,
                             control::Deadline wait_busy) override {
        return view(std::string("start") + (request.paused ? " paused" : "") +
                        (wait_busy.expired() ? "" : " waits"),
                    selector);
    }
    api::PartitionView shutdown(const api::Selector& selector, const api::ShutdownRequest& request,
                                const control::Actor& /*actor*/,
                                control::Deadline /*wait_busy*/) override {
        return view("shutdown " + std::to_string(request.methods.size()), selector);
    }
    api::PartitionView reboot(const api::Selector& selector,
                              const api::ShutdownRequest& /*request*/,
                              const control::Actor& /*actor*/,
                              control::Deadline /*wait_busy*/) override {
        return view("reboot", selector);
    }
    api::PartitionView reset(const api::Selector& selector, const control::Actor& /*actor*/,
                             control::Deadline /*wait_busy*/) override {
        return view("reset", selector);
    }
    api::PartitionView destroy(const api::Selector& selector, const api::DestroyRequest& request,
                               const control::Actor& /*actor*/,
                               control::Deadline /*wait_busy*/) override {
        return view("destroy " + std::to_string(request.grace_ms), selector);
    }
    api::PartitionView note_host_shutdown(const api::Selector& selector,
                                          const api::HostShutdownRequest& request,
                                          const control::Actor& /*actor*/) override {
        return view("host-shutdown " + std::string(api::to_name(request.outcome)) + " " +
                        request.detail,
                    selector);
    }
    api::PartitionView pause(const api::Selector& selector, const control::Actor& /*actor*/,
                             control::Deadline /*wait_busy*/) override {
        return view("pause", selector);
    }
    api::PartitionView unpause(const api::Selector& selector, const control::Actor& /*actor*/,
                               control::Deadline /*wait_busy*/) override {
        return view("unpause", selector);
    }
    void trigger(const api::Selector& selector, const api::TriggerRequest& request,
                 const control::Actor& /*actor*/, control::Deadline /*wait_busy*/) override {
        note("trigger " + std::string(api::to_name(request.trigger)) + " " + selector.to_string());
    }
    api::PartitionView rename(const api::Selector& selector, const api::RenameRequest& request,
                              const control::Actor& /*actor*/,
                              control::Deadline /*wait_busy*/) override {
        return view("rename to " + request.name, selector);
    }
    api::PartitionView set_autostart(const api::Selector& selector,
                                     const api::AutostartRequest& request,
                                     const control::Actor& /*actor*/,
                                     control::Deadline /*wait_busy*/) override {
        return view("autostart " + std::to_string(request.enabled), selector);
    }
    api::JobView save(const api::Selector& selector, const api::SaveRequest& request,
                      const control::Actor& /*actor*/, control::Deadline /*wait_busy*/) override {
        note("save " + selector.to_string() + " " + request.path);
        return job_of(api::JobKind::save, request.path);
    }
    api::JobView dump(const api::Selector& selector, const api::DumpRequest& request,
                      const control::Actor& /*actor*/, control::Deadline /*wait_busy*/) override {
        note("dump " + selector.to_string() + " " + request.path);
        return job_of(api::JobKind::dump_core, request.path);
    }
    api::JobView restore(const api::RestoreRequest& request, const control::Actor& /*actor*/,
                         control::Deadline /*wait_busy*/) override {
        note("restore " + request.path);
        return job_of(api::JobKind::restore, request.path);
    }
    api::PartitionView drop_saved(const api::Selector& selector, const control::Actor& /*actor*/,
                                  control::Deadline /*wait_busy*/) override {
        return view("drop saved", selector);
    }
    api::JobList jobs() override { return {{job_of(api::JobKind::save, "/x")}}; }
    api::JobView job(std::int64_t id, control::Deadline /*wait*/) override {
        note("job " + std::to_string(id));
        return job_of(api::JobKind::save, "/x");
    }
    api::JobView cancel_job(std::int64_t id, const control::Actor& /*actor*/) override {
        note("cancel " + std::to_string(id));
        return job_of(api::JobKind::save, "/x");
    }
    static api::JobView job_of(api::JobKind kind, const std::string& path) {
        api::JobView job;
        job.id = 7;
        job.kind = kind;
        job.path = path;
        return job;
    }
    api::DiskList disks(const api::Selector& selector) override {
        note("disks " + selector.to_string());
        return {};
    }
    api::PartitionView attach_disk(const api::Selector& selector,
                                   const api::AttachDiskRequest& request,
                                   const control::Actor& /*actor*/,
                                   control::Deadline /*wait_busy*/) override {
        return view("attach " + request.disk.path + (request.live ? " live" : "") +
                        (request.config ? " config" : ""),
                    selector);
    }
    api::PartitionView detach_disk(const api::Selector& selector,
                                   const api::DetachDiskRequest& request,
                                   const control::Actor& /*actor*/,
                                   control::Deadline /*wait_busy*/) override {
        return view("detach " + request.target, selector);
    }
    api::PartitionView resize_disk(const api::Selector& selector,
                                   const api::ResizeDiskRequest& request,
                                   const control::Actor& /*actor*/,
                                   control::Deadline /*wait_busy*/) override {
        return view("resize " + request.target + " " + std::to_string(request.size) +
                        (request.shrink ? " shrink" : ""),
                    selector);
    }
    api::PartitionView change_medium(const api::Selector& selector,
                                     const api::ChangeMediumRequest& request,
                                     const control::Actor& /*actor*/,
                                     control::Deadline /*wait_busy*/) override {
        return view("medium " + request.target + " " + request.path +
                        (request.force ? " force" : "") + (request.live ? " live" : "") +
                        (request.config ? " config" : ""),
                    selector);
    }
    api::PartitionView set_disk_limits(const api::Selector& selector,
                                       const api::SetDiskLimitsRequest& request,
                                       const control::Actor& /*actor*/,
                                       control::Deadline /*wait_busy*/) override {
        return view("limit " + request.target + (request.total_iops ? " iops" : "") +
                        (request.live ? " live" : "") + (request.config ? " config" : ""),
                    selector);
    }
    api::PartitionView set_memory(const api::Selector& selector,
                                  const api::SetMemoryRequest& request,
                                  const control::Actor& /*actor*/,
                                  control::Deadline /*wait_busy*/) override {
        return view("memory " + std::to_string(request.size) + (request.maximum ? " maximum" : "") +
                        (request.live ? " live" : "") + (request.config ? " config" : ""),
                    selector);
    }
    api::PartitionView pin_vcpu(const api::Selector& selector, const api::PinVcpuRequest& request,
                                const control::Actor& /*actor*/,
                                control::Deadline /*wait_busy*/) override {
        return view("pin " + (request.vcpu ? std::to_string(*request.vcpu) : std::string("all")) +
                        " " + request.cpus + (request.live ? " live" : ""),
                    selector);
    }
    api::PartitionView set_vcpus(const api::Selector& selector, const api::SetVcpusRequest& request,
                                 const control::Actor& /*actor*/,
                                 control::Deadline /*wait_busy*/) override {
        return view("vcpus " + std::to_string(request.count) + (request.maximum ? " maximum" : "") +
                        (request.ignore_host ? " crowd" : "") + (request.live ? " live" : ""),
                    selector);
    }
    api::PartitionView suspend(const api::Selector& selector, const api::SleepRequest& request,
                               const control::Actor& /*actor*/,
                               control::Deadline /*wait_busy*/) override {
        return view("suspend " + std::to_string(request.timeout_ms), selector);
    }
    api::PartitionView wake(const api::Selector& selector, const api::SleepRequest& request,
                            const control::Actor& /*actor*/,
                            control::Deadline /*wait_busy*/) override {
        return view("wake " + std::to_string(request.timeout_ms), selector);
    }
    api::MemoryView memory(const api::Selector& selector, control::Deadline /*deadline*/) override {
        note("memory " + selector.to_string());
        return {};
    }
    api::NicList nics(const api::Selector& selector) override {
        note("interfaces " + selector.to_string());
        return {};
    }
    api::PartitionView attach_nic(const api::Selector& selector,
                                  const api::AttachNicRequest& request,
                                  const control::Actor& /*actor*/,
                                  control::Deadline /*wait_busy*/) override {
        return view("attach " + request.interface.bridge + (request.live ? " live" : "") +
                        (request.config ? " config" : ""),
                    selector);
    }
    api::PartitionView detach_nic(const api::Selector& selector,
                                  const api::DetachNicRequest& request,
                                  const control::Actor& /*actor*/,
                                  control::Deadline /*wait_busy*/) override {
        return view("detach " + request.target, selector);
    }
    api::PartitionView set_link(const api::Selector& selector, const api::SetLinkRequest& request,
                                const control::Actor& /*actor*/,
                                control::Deadline /*wait_busy*/) override {
        return view("link " + request.target + (request.up ? " up" : " down"), selector);
    }
    void attach_console(const api::Selector& selector, posix::Fd client,
                        const vmm::ConsoleRequest& request, const control::Actor& actor,
                        control::Deadline deadline) override;

    void wait_for_waiters(int count) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return waiting >= count; });
    }
    void release() {
        const std::lock_guard lock(mutex_);
        released_ = true;
        changed_.notify_all();
    }
    std::string last() {
        const std::lock_guard lock(mutex_);
        return calls.empty() ? "" : calls.back();
    }
    int waiting = 0;

private:
    api::CpuPoolList pool(const std::string& what, const std::string& of,
                          const control::Actor& actor) {
        note("pool " + what + ' ' + of + " by " + actor.name);
        return {};
    }
    api::GuestPing ping(const api::Selector& selector, const control::Actor& /*actor*/) override {
        note("ping " + selector.to_string());
        return {};
    }
    api::GuestInfo info(const api::Selector& selector, const control::Actor& /*actor*/) override {
        note("guest " + selector.to_string());
        return {};
    }
    api::GuestAddresses addresses(const api::Selector& selector,
                                  const control::Actor& /*actor*/) override {
        note("addresses " + selector.to_string());
        return {};
    }
    api::GuestExecStarted exec(const api::Selector& selector, const api::GuestExecRequest& request,
                               const control::Actor& actor,
                               control::Deadline /*wait_busy*/) override {
        note("exec " + request.program + " " + selector.to_string() + " by " + actor.name);
        return {7};
    }
    api::GuestExecStatus exec_status(const api::Selector& selector,
                                     const api::GuestExecStatusRequest& request,
                                     const control::Actor& /*actor*/) override {
        note("exec-status " + std::to_string(request.pid) + " " + selector.to_string());
        return {};
    }
    api::GuestFreeze freeze(const api::Selector& selector, const api::GuestFreezeRequest& request,
                            const control::Actor& /*actor*/,
                            control::Deadline /*wait_busy*/) override {
        note("freeze " + std::to_string(request.thaw_after_s) + " " + selector.to_string());
        return {};
    }
    api::GuestFreeze thaw(const api::Selector& selector, const control::Actor& /*actor*/,
                          control::Deadline /*wait_busy*/) override {
        note("thaw " + selector.to_string());
        return {};
    }
    api::GuestFreeze freeze_status(const api::Selector& selector,
                                   const control::Actor& /*actor*/) override {
        note("freeze-status " + selector.to_string());
        return {};
    }
    api::GuestTime sync_time(const api::Selector& selector, const control::Actor& /*actor*/,
                             control::Deadline /*wait_busy*/) override {
        note("sync-time " + selector.to_string());
        return {};
    }

    static std::string of(std::optional<std::int64_t> revision) {
        return revision ? " @" + std::to_string(*revision) : "";
    }
    void note(std::string text) {
        {
            const std::lock_guard lock(mutex_);
            calls.push_back(std::move(text));
        }
        if (before) {
            before();
        }
    }
    api::PartitionView view(const std::string& verb, const api::Selector& selector) {
        note(verb + " " + selector.to_string());
        api::PartitionView result;
        result.id = 7;
        result.name = selector.text;
        result.uuid = *api::parse_uuid("11111111-2222-3333-4444-555555555555");
        return result;
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    bool released_ = false;
};

} // namespace mshv::rest::test
