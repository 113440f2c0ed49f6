// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/client.hpp"

#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/http/client.hpp"
#include "toolstack/mshvctl/exchange.hpp"

#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <unistd.h>

namespace mshv::ctl {
namespace {

using api::Error;
using api::ErrorCode;
using api::PartitionView;
using api::Selector;

std::string partition_target(const Selector& selector) {
    return "/v1/partitions/" + http::percent_encode(selector.to_string());
}

void add_query(std::string& target, std::string_view key, std::string_view value) {
    target += target.find('?') == std::string::npos ? '?' : '&';
    target += key;
    target += '=';
    target += http::percent_encode(value);
}

void add_query(std::string& target, std::string_view key, std::uint64_t value) {
    add_query(target, key, std::to_string(value));
}

} // namespace

std::string daemon_socket(const std::optional<std::string>& connect) {
    if (connect) {
        return *connect;
    }
    const char* variable = std::getenv("MSHV_SOCKET");
    return variable != nullptr && *variable != '\0' ? variable : "/run/mshv/mshvd.sock";
}

Client::Client(std::string socket, std::optional<std::chrono::milliseconds> wait_busy)
    : socket_(std::move(socket)), wait_busy_(wait_busy),
      http_(std::make_unique<http::Client>(socket_)) {}

Client::~Client() = default;

std::string Client::request(std::string_view method, const std::string& target,
                            const std::string& body, Deadline deadline) {
    const bool changes = method != "GET";
    std::string whole = target;
    if (changes && wait_busy_) {
        add_query(whole, "wait_busy_ms", static_cast<std::uint64_t>(wait_busy_->count()));
    }
    return send(method, whole, body, changes, deadline);
}

std::string Client::ask(const std::string& target, const std::string& body, Deadline deadline) {
    return send("POST", target, body, false, deadline);
}

std::string Client::send(std::string_view method, const std::string& target,
                         const std::string& body, bool changes, Deadline deadline) {
    return exchange(*http_, socket_, {std::string(method), target, body}, changes, deadline);
}

template <typename Body>
PartitionView Client::post(const Selector& selector, std::string_view verb, const Body& body,
                           Deadline deadline) {
    return decode_answer<PartitionView>(request(
        "POST", partition_target(selector) + "/" + std::string(verb), api::encode(body), deadline));
}

api::VersionInfo Client::version(Deadline deadline) {
    return decode_answer<api::VersionInfo>(request("GET", "/v1/version", {}, deadline));
}

api::HostView Client::host(Deadline deadline) {
    return decode_answer<api::HostView>(request("GET", "/v1/host", {}, deadline));
}

std::string Client::metrics(Deadline deadline) {
    return request("GET", "/metrics", {}, deadline);
}

std::vector<PartitionView> Client::list(bool include_off, Deadline deadline) {
    std::vector<PartitionView> views;
    list(
        include_off, [&](const PartitionView& view) { views.push_back(view); }, deadline);
    return views;
}

std::vector<api::UnmanagedPartition>
Client::list(bool include_off, const std::function<void(const PartitionView&)>& row,
             Deadline deadline) {
    std::string body =
        request("GET", include_off ? "/v1/partitions?all=1" : "/v1/partitions", {}, deadline);
    return decoded([&] { return api::decode_partition_rows(std::move(body), row); });
}

PartitionView Client::get(const Selector& selector, Deadline deadline) {
    return decode_answer<PartitionView>(request("GET", partition_target(selector), {}, deadline));
}

api::StoredDefinition Client::definition(const Selector& selector, Deadline deadline) {
    return decode_answer<api::StoredDefinition>(
        request("GET", partition_target(selector) + "/spec", {}, deadline));
}

api::RevisionList Client::revisions(const Selector& selector, std::size_t limit,
                                    Deadline deadline) {
    std::string target = partition_target(selector) + "/revisions";
    add_query(target, "limit", limit);
    return decode_answer<api::RevisionList>(request("GET", target, {}, deadline));
}

api::ChangeList Client::changes(const Selector& selector, std::optional<std::uint64_t> from,
                                std::optional<std::uint64_t> to, Deadline deadline) {
    std::string target = partition_target(selector) + "/changes";
    if (from) {
        add_query(target, "from", *from);
    }
    if (to) {
        add_query(target, "to", *to);
    }
    return decode_answer<api::ChangeList>(request("GET", target, {}, deadline));
}

api::Plan Client::plan(const api::PlanRequest& plan_request, Deadline deadline) {
    return decode_answer<api::Plan>(ask("/v1/plan", api::encode(plan_request), deadline));
}

api::VmmArguments Client::vmm_arguments(const Selector& selector, Deadline deadline) {
    return decode_answer<api::VmmArguments>(
        request("GET", partition_target(selector) + "/vmm-args", {}, deadline));
}

api::VmmArguments Client::vmm_arguments(const api::PartitionSpec& spec, Deadline deadline) {
    return decode_answer<api::VmmArguments>(
        ask("/v1/vmm-args", api::encode(api::VmmArgumentsRequest{spec}), deadline));
}

std::vector<api::VcpuView> Client::vcpus(const Selector& selector, Deadline deadline) {
    return decode_answer<api::VcpuList>(
               request("GET", partition_target(selector) + "/vcpus", {}, deadline))
        .vcpus;
}

std::vector<api::HistoryEntry> Client::history(const std::optional<Selector>& selector,
                                               std::size_t limit, Deadline deadline) {
    std::string target = "/v1/history";
    if (selector) {
        add_query(target, "partition", selector->to_string());
    }
    add_query(target, "limit", limit);
    return decode_answer<api::HistoryList>(request("GET", target, {}, deadline)).history;
}

api::EventPage Client::events(std::int64_t since, std::size_t limit,
                              const std::optional<Selector>& selector,
                              std::chrono::milliseconds wait, Deadline deadline) {
    std::string target = "/v1/events";
    add_query(target, "since", static_cast<std::uint64_t>(since));
    add_query(target, "limit", limit);
    add_query(target, "wait_ms", static_cast<std::uint64_t>(wait.count()));
    if (selector) {
        add_query(target, "partition", selector->to_string());
    }
    return decode_answer<api::EventPage>(request("GET", target, {}, deadline));
}

PartitionView Client::wait_state(const Selector& selector, const std::vector<api::State>& states,
                                 std::chrono::milliseconds wait, Deadline deadline) {
    std::string words;
    for (const auto state : states) {
        words += (words.empty() ? "" : ",") + std::string(api::to_name(state));
    }
    std::string target = partition_target(selector) + "/wait";
    add_query(target, "state", words);
    add_query(target, "timeout_ms", static_cast<std::uint64_t>(wait.count()));
    return decode_answer<PartitionView>(request("GET", target, {}, deadline));
}

PartitionView Client::create(const api::CreateRequest& create_request, Deadline deadline) {
    return decode_answer<PartitionView>(
        request("POST", "/v1/partitions", api::encode(create_request), deadline));
}

PartitionView Client::undefine(const Selector& selector, std::optional<std::int64_t> revision,
                               Deadline deadline) {
    std::string target = partition_target(selector);
    if (revision) {
        add_query(target, "revision", static_cast<std::uint64_t>(*revision));
    }
    return decode_answer<PartitionView>(request("DELETE", target, {}, deadline));
}

PartitionView Client::replace(const Selector& selector, const api::ReplaceRequest& replace_request,
                              Deadline deadline) {
    return decode_answer<PartitionView>(request("PUT", partition_target(selector) + "/spec",
                                                api::encode(replace_request), deadline));
}

PartitionView Client::rollback(const Selector& selector,
                               const api::RollbackRequest& rollback_request, Deadline deadline) {
    return post(selector, "rollback", rollback_request, deadline);
}

PartitionView Client::start(const Selector& selector, const api::StartRequest& start_request,
                            Deadline deadline) {
    return post(selector, "start", start_request, deadline);
}

PartitionView Client::shutdown(const Selector& selector,
                               const api::ShutdownRequest& shutdown_request, Deadline deadline) {
    return post(selector, "shutdown", shutdown_request, deadline);
}

PartitionView Client::reboot(const Selector& selector, const api::ShutdownRequest& reboot_request,
                             Deadline deadline) {
    return post(selector, "reboot", reboot_request, deadline);
}

PartitionView Client::destroy(const Selector& selector, const api::DestroyRequest& destroy_request,
                              Deadline deadline) {
    return post(selector, "destroy", destroy_request, deadline);
}

PartitionView Client::note_host_shutdown(const Selector& selector,
                                         const api::HostShutdownRequest& host_request,
                                         Deadline deadline) {
    return post(selector, "host-shutdown", host_request, deadline);
}

PartitionView Client::trigger(const Selector& selector, api::Trigger trigger, Deadline deadline) {
    return post(selector, "trigger", api::TriggerRequest{trigger}, deadline);
}

PartitionView Client::rename(const Selector& selector, const std::string& name, Deadline deadline) {
    return post(selector, "rename", api::RenameRequest{name}, deadline);
}

PartitionView Client::set_autostart(const Selector& selector,
                                    const api::AutostartRequest& autostart_request,
                                    Deadline deadline) {
    return post(selector, "autostart", autostart_request, deadline);
}

api::JobView Client::save(const Selector& selector, const api::SaveRequest& save_request,
                          Deadline deadline) {
    return decode_answer<api::JobView>(
        request("POST", partition_target(selector) + "/save", api::encode(save_request), deadline));
}

api::JobView Client::dump(const Selector& selector, const api::DumpRequest& dump_request,
                          Deadline deadline) {
    return decode_answer<api::JobView>(request("POST", partition_target(selector) + "/dump-core",
                                               api::encode(dump_request), deadline));
}

api::ClaimList Client::claims(Deadline deadline) {
    return decode_answer<api::ClaimList>(request("GET", "/v1/claims", {}, deadline));
}

api::Comparison Client::compare(const std::string& path, Deadline deadline) {
    return decode_answer<api::Comparison>(
        request("POST", "/v1/compare", api::encode(api::CompareRequest{path}), deadline));
}

api::JobView Client::restore(const api::RestoreRequest& restore_request, Deadline deadline) {
    return decode_answer<api::JobView>(
        request("POST", "/v1/restore", api::encode(restore_request), deadline));
}

PartitionView Client::drop_saved(const Selector& selector, Deadline deadline) {
    return decode_answer<PartitionView>(
        request("DELETE", partition_target(selector) + "/saved", {}, deadline));
}

std::vector<api::JobView> Client::jobs(Deadline deadline) {
    return decode_answer<api::JobList>(request("GET", "/v1/jobs", {}, deadline)).jobs;
}

api::JobView Client::job(std::int64_t id, std::chrono::milliseconds wait, Deadline deadline) {
    std::string target = "/v1/jobs/" + std::to_string(id);
    add_query(target, "wait_ms", static_cast<std::uint64_t>(wait.count()));
    return decode_answer<api::JobView>(request("GET", target, {}, deadline));
}

api::JobView Client::cancel_job(std::int64_t id, Deadline deadline) {
    return decode_answer<api::JobView>(
        request("POST", "/v1/jobs/" + std::to_string(id) + "/cancel", "{}", deadline));
}

PartitionView Client::attach_disk(const Selector& selector,
                                  const api::AttachDiskRequest& attach_request, Deadline deadline) {
    return post(selector, "attach-disk", attach_request, deadline);
}

PartitionView Client::detach_disk(const Selector& selector,
                                  const api::DetachDiskRequest& detach_request, Deadline deadline) {
    return post(selector, "detach-disk", detach_request, deadline);
}

PartitionView Client::resize_disk(const Selector& selector,
                                  const api::ResizeDiskRequest& resize_request, Deadline deadline) {
    return post(selector, "resize-disk", resize_request, deadline);
}

PartitionView Client::change_medium(const Selector& selector,
                                    const api::ChangeMediumRequest& medium_request,
                                    Deadline deadline) {
    return post(selector, "change-medium", medium_request, deadline);
}

PartitionView Client::set_disk_limits(const Selector& selector,
                                      const api::SetDiskLimitsRequest& limits_request,
                                      Deadline deadline) {
    return post(selector, "set-disk-limits", limits_request, deadline);
}

PartitionView Client::set_memory(const Selector& selector,
                                 const api::SetMemoryRequest& memory_request, Deadline deadline) {
    return post(selector, "set-memory", memory_request, deadline);
}

PartitionView Client::pin_vcpu(const Selector& selector, const api::PinVcpuRequest& pin_request,
                               Deadline deadline) {
    return post(selector, "pin-vcpu", pin_request, deadline);
}

PartitionView Client::set_vcpus(const Selector& selector, const api::SetVcpusRequest& vcpus_request,
                                Deadline deadline) {
    return post(selector, "set-vcpus", vcpus_request, deadline);
}

PartitionView Client::sleep(const Selector& selector, std::string_view verb,
                            const api::SleepRequest& sleep_request, Deadline deadline) {
    return post(selector, verb, sleep_request, deadline);
}

api::MemoryView Client::memory(const Selector& selector, Deadline deadline) {
    return decode_answer<api::MemoryView>(
        request("GET", partition_target(selector) + "/memory", {}, deadline));
}

PartitionView Client::attach_nic(const Selector& selector,
                                 const api::AttachNicRequest& attach_request, Deadline deadline) {
    return post(selector, "attach-interface", attach_request, deadline);
}

PartitionView Client::detach_nic(const Selector& selector,
                                 const api::DetachNicRequest& detach_request, Deadline deadline) {
    return post(selector, "detach-interface", detach_request, deadline);
}

PartitionView Client::set_link(const Selector& selector, const api::SetLinkRequest& link_request,
                               Deadline deadline) {
    return post(selector, "set-link", link_request, deadline);
}

std::vector<api::NicView> Client::nics(const Selector& selector, Deadline deadline) {
    return decode_answer<api::NicList>(
               request("GET", partition_target(selector) + "/interfaces", {}, deadline))
        .interfaces;
}

api::DiskList Client::disks(const Selector& selector, Deadline deadline) {
    return decode_answer<api::DiskList>(
        request("GET", partition_target(selector) + "/disks", {}, deadline));
}

api::GuestPing Client::guest_ping(const Selector& selector, Deadline deadline) {
    return decode_answer<api::GuestPing>(
        request("GET", partition_target(selector) + "/guest/ping", {}, deadline));
}

api::GuestInfo Client::guest_info(const Selector& selector, Deadline deadline) {
    return decode_answer<api::GuestInfo>(
        request("GET", partition_target(selector) + "/guest/info", {}, deadline));
}

api::GuestAddresses Client::guest_addresses(const Selector& selector, Deadline deadline) {
    return decode_answer<api::GuestAddresses>(
        request("GET", partition_target(selector) + "/guest/addresses", {}, deadline));
}

api::GuestFreeze Client::guest_freeze_status(const Selector& selector, Deadline deadline) {
    return decode_answer<api::GuestFreeze>(
        request("GET", partition_target(selector) + "/guest/freeze", {}, deadline));
}

api::GuestFreeze Client::guest_thaw(const Selector& selector, Deadline deadline) {
    return decode_answer<api::GuestFreeze>(
        request("POST", partition_target(selector) + "/guest/thaw", "{}", deadline));
}

api::GuestTime Client::guest_sync_time(const Selector& selector, Deadline deadline) {
    return decode_answer<api::GuestTime>(
        request("POST", partition_target(selector) + "/guest/sync-time", "{}", deadline));
}

api::GuestExecStarted Client::guest_exec(const Selector& selector,
                                         const api::GuestExecRequest& exec_request,
                                         Deadline deadline) {
    return decode_answer<api::GuestExecStarted>(request("POST",
                                                        partition_target(selector) + "/guest/exec",
                                                        api::encode(exec_request), deadline));
}

api::GuestExecStatus
Client::guest_exec_status(const Selector& selector,
                          const api::GuestExecStatusRequest& status_request, Deadline deadline) {
    return decode_answer<api::GuestExecStatus>(ask(partition_target(selector) + "/guest/exec-status",
                                                   api::encode(status_request), deadline));
}

api::GuestFreeze Client::guest_freeze(const Selector& selector,
                                      const api::GuestFreezeRequest& freeze_request,
                                      Deadline deadline) {
    return decode_answer<api::GuestFreeze>(request("POST",
                                                   partition_target(selector) + "/guest/freeze",
                                                   api::encode(freeze_request), deadline));
}

PartitionView Client::act(const Selector& selector, std::string_view verb, Deadline deadline) {
    return decode_answer<PartitionView>(
        request("POST", partition_target(selector) + "/" + std::string(verb), "{}", deadline));
}

Upgraded Client::attach_console(const Selector& selector, const ConsoleQuery& query,
                                Deadline deadline) {
    std::string target = partition_target(selector) + "/console";
    add_query(target, "mode", query.write ? "rw" : "ro");
    if (query.steal) {
        add_query(target, "steal", 1);
    }
    if (query.since) {
        add_query(target, "since", *query.since);
    } else {
        add_query(target, "replay", query.replay);
    }
    auto answer = translated(socket_, false,
                             [&] { return http_->upgrade(target, "mshv-console/1", deadline); });
    if (const auto* refusal = std::get_if<http::ClientResponse>(&answer)) {
        throw Error(api::decode_error(refusal->body, refusal->status));
    }
    auto& upgraded = std::get<http::Upgraded>(answer);
    return {std::move(upgraded.socket), std::move(upgraded.early)};
}

void Client::console_log(const Selector& selector,
                         const std::function<void(std::string_view)>& sink, Deadline deadline) {
    const http::ClientRequest request{"GET", partition_target(selector) + "/console/log", {}};
    const auto response =
        translated(socket_, false, [&] { return http_->send(request, deadline, sink); });
    if (response.status >= first_error_status) {
        throw Error(api::decode_error(response.body, response.status));
    }
}

} // namespace mshv::ctl
