// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/claims.hpp"
#include "toolstack/libs/api/comparison.hpp"
#include "toolstack/libs/api/device_requests.hpp"
#include "toolstack/libs/api/guest.hpp"
#include "toolstack/libs/api/job.hpp"
#include "toolstack/libs/api/machine_requests.hpp"
#include "toolstack/libs/api/requests.hpp"
#include "toolstack/libs/api/settings_requests.hpp"
#include "toolstack/libs/api/view.hpp"
#include "toolstack/libs/posix/deadline.hpp"
#include "toolstack/libs/posix/fd.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mshv::http {
class Client;
}

namespace mshv::ctl {

using posix::Deadline;

/// Where the daemon listens: --connect, else $MSHV_SOCKET, else /run/mshv/mshvd.sock.
std::string daemon_socket(const std::optional<std::string>& connect);

/// How `console` attaches.
struct ConsoleQuery {
    bool write = true;
    bool steal = false;
    std::uint64_t replay = 0;           ///< bytes wanted from before now
    std::optional<std::uint64_t> since; ///< stream offset to go on from, instead of `replay`
};

/// An upgraded connection and what came with the answer.
struct Upgraded {
    posix::Fd socket;
    std::string first_bytes;
};

/// The daemon's API as function calls. Every failure is api::Error: the daemon's own, or
/// unreachable, denied or timeout. Keeps one connection open. Not thread-safe.
class Client {
public:
    /// `wait_busy`: how long the daemon lets a change wait for another operation.
    Client(std::string socket, std::optional<std::chrono::milliseconds> wait_busy);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    [[nodiscard]] const std::string& socket() const { return socket_; }

    api::VersionInfo version(Deadline deadline);
    api::HostView host(Deadline deadline);
    /// Prometheus' text, as the daemon wrote it.
    std::string metrics(Deadline deadline);
    std::vector<api::PartitionView> list(bool include_off, Deadline deadline);
    /// The same row by row, which is faster for a long list that is printed and forgotten.
    /// Returns what the daemon does not manage.
    std::vector<api::UnmanagedPartition>
    list(bool include_off, const std::function<void(const api::PartitionView&)>& row,
         Deadline deadline);
    api::PartitionView get(const api::Selector& selector, Deadline deadline);
    api::StoredDefinition definition(const api::Selector& selector, Deadline deadline);
    api::RevisionList revisions(const api::Selector& selector, std::size_t limit,
                                Deadline deadline);
    /// Between two revisions; the daemon has its own idea of those that are not given.
    api::ChangeList changes(const api::Selector& selector, std::optional<std::uint64_t> from,
                            std::optional<std::uint64_t> to, Deadline deadline);
    /// What a definition would change. Changes nothing.
    api::Plan plan(const api::PlanRequest& request, Deadline deadline);
    api::VmmArguments vmm_arguments(const api::Selector& selector, Deadline deadline);
    api::VmmArguments vmm_arguments(const api::PartitionSpec& spec, Deadline deadline);
    std::vector<api::VcpuView> vcpus(const api::Selector& selector, Deadline deadline);
    std::vector<api::HistoryEntry> history(const std::optional<api::Selector>& selector,
                                           std::size_t limit, Deadline deadline);
    /// Waits in the daemon for at most `wait`; an empty page when nothing came.
    api::EventPage events(std::int64_t since, std::size_t limit,
                          const std::optional<api::Selector>& selector,
                          std::chrono::milliseconds wait, Deadline deadline);
    /// Waits in the daemon for at most `wait`; throws timeout when the state has not come.
    api::PartitionView wait_state(const api::Selector& selector,
                                  const std::vector<api::State>& states,
                                  std::chrono::milliseconds wait, Deadline deadline);

    api::PartitionView create(const api::CreateRequest& request, Deadline deadline);
    /// `revision`: refused when the definition is at another.
    api::PartitionView undefine(const api::Selector& selector, std::optional<std::int64_t> revision,
                                Deadline deadline);
    api::PartitionView replace(const api::Selector& selector, const api::ReplaceRequest& request,
                               Deadline deadline);
    api::PartitionView rollback(const api::Selector& selector, const api::RollbackRequest& request,
                                Deadline deadline);
    api::PartitionView start(const api::Selector& selector, const api::StartRequest& request,
                             Deadline deadline);
    api::PartitionView shutdown(const api::Selector& selector, const api::ShutdownRequest& request,
                                Deadline deadline);
    api::PartitionView reboot(const api::Selector& selector, const api::ShutdownRequest& request,
                              Deadline deadline);
    api::PartitionView destroy(const api::Selector& selector, const api::DestroyRequest& request,
                               Deadline deadline);
    api::PartitionView note_host_shutdown(const api::Selector& selector,
                                          const api::HostShutdownRequest& request,
                                          Deadline deadline);
    api::PartitionView trigger(const api::Selector& selector, api::Trigger trigger,
                               Deadline deadline);
    api::PartitionView rename(const api::Selector& selector, const std::string& name,
                              Deadline deadline);
    api::PartitionView set_autostart(const api::Selector& selector,
                                     const api::AutostartRequest& request, Deadline deadline);
    /// These answer as the job begins.
    api::JobView save(const api::Selector& selector, const api::SaveRequest& request,
                      Deadline deadline);
    api::JobView dump(const api::Selector& selector, const api::DumpRequest& request,
                      Deadline deadline);
    api::JobView restore(const api::RestoreRequest& request, Deadline deadline);
    api::PartitionView drop_saved(const api::Selector& selector, Deadline deadline);
    api::ClaimList claims(Deadline deadline);
    api::Comparison compare(const std::string& path, Deadline deadline);
    std::vector<api::JobView> jobs(Deadline deadline);
    /// Waits in the daemon until it has ended, for at most `wait`.
    api::JobView job(std::int64_t id, std::chrono::milliseconds wait, Deadline deadline);
    api::JobView cancel_job(std::int64_t id, Deadline deadline);
    api::PartitionView attach_disk(const api::Selector& selector,
                                   const api::AttachDiskRequest& request, Deadline deadline);
    api::PartitionView detach_disk(const api::Selector& selector,
                                   const api::DetachDiskRequest& request, Deadline deadline);
    api::PartitionView resize_disk(const api::Selector& selector,
                                   const api::ResizeDiskRequest& request, Deadline deadline);
    api::PartitionView change_medium(const api::Selector& selector,
                                     const api::ChangeMediumRequest& request, Deadline deadline);
    api::PartitionView set_disk_limits(const api::Selector& selector,
                                       const api::SetDiskLimitsRequest& request, Deadline deadline);
    api::PartitionView set_memory(const api::Selector& selector,
                                  const api::SetMemoryRequest& request, Deadline deadline);
    api::PartitionView pin_vcpu(const api::Selector& selector, const api::PinVcpuRequest& request,
                                Deadline deadline);
    api::PartitionView set_vcpus(const api::Selector& selector, const api::SetVcpusRequest& request,
                                 Deadline deadline);
    /// `verb`: suspend or resume.
    api::PartitionView sleep(const api::Selector& selector, std::string_view verb,
                             const api::SleepRequest& request, Deadline deadline);
    api::MemoryView memory(const api::Selector& selector, Deadline deadline);
    api::DiskList disks(const api::Selector& selector, Deadline deadline);
    api::PartitionView attach_nic(const api::Selector& selector,
                                  const api::AttachNicRequest& request, Deadline deadline);
    api::PartitionView detach_nic(const api::Selector& selector,
                                  const api::DetachNicRequest& request, Deadline deadline);
    api::PartitionView set_link(const api::Selector& selector, const api::SetLinkRequest& request,
                                Deadline deadline);
    std::vector<api::NicView> nics(const api::Selector& selector, Deadline deadline);
    // ---- asked of the guest, by its agent ----
    api::GuestPing guest_ping(const api::Selector& selector, Deadline deadline);
    api::GuestInfo guest_info(const api::Selector& selector, Deadline deadline);
    api::GuestAddresses guest_addresses(const api::Selector& selector, Deadline deadline);
    api::GuestExecStarted guest_exec(const api::Selector& selector,
                                     const api::GuestExecRequest& exec_request, Deadline deadline);
    api::GuestExecStatus guest_exec_status(const api::Selector& selector,
                                           const api::GuestExecStatusRequest& status_request,
                                           Deadline deadline);
    api::GuestFreeze guest_freeze(const api::Selector& selector,
                                  const api::GuestFreezeRequest& freeze_request, Deadline deadline);
    api::GuestFreeze guest_thaw(const api::Selector& selector, Deadline deadline);
    api::GuestFreeze guest_freeze_status(const api::Selector& selector, Deadline deadline);
    api::GuestTime guest_sync_time(const api::Selector& selector, Deadline deadline);

    /// The verbs without a body: reset, pause, unpause.
    api::PartitionView act(const api::Selector& selector, std::string_view verb, Deadline deadline);

    Upgraded attach_console(const api::Selector& selector, const ConsoleQuery& query,
                            Deadline deadline);
    /// The console's log, in pieces as they come.
    void console_log(const api::Selector& selector,
                     const std::function<void(std::string_view)>& sink, Deadline deadline);

private:
    std::string request(std::string_view method, const std::string& target, const std::string& body,
                        Deadline deadline);
    /// A POST that changes nothing.
    std::string ask(const std::string& target, const std::string& body, Deadline deadline);
    std::string send(std::string_view method, const std::string& target, const std::string& body,
                     bool changes, Deadline deadline);
    template <typename Body>
    api::PartitionView post(const api::Selector& selector, std::string_view verb, const Body& body,
                            Deadline deadline);

    std::string socket_;
    std::optional<std::chrono::milliseconds> wait_busy_;
    std::unique_ptr<http::Client> http_;
};

} // namespace mshv::ctl
