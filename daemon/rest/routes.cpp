// SPDX-License-Identifier: Apache-2.0
#include "daemon/rest/routes.hpp"

#include <array>

namespace mshv::rest {
namespace {

constexpr std::size_t no_body = 0;
constexpr std::size_t small_body = 64UL * 1024;
constexpr std::size_t definition_body = 1024UL * 1024;

constexpr std::array table{
    Route{"GET", "/v1/version", Role::reader, Kind::query, no_body, get_version},
    Route{"GET", "/v1/host", Role::reader, Kind::query, no_body, get_host},
    Route{"GET", "/metrics", Role::reader, Kind::query, no_body, get_metrics},
    Route{"GET", "/v1/partitions", Role::reader, Kind::query, no_body, list_partitions},
    Route{"POST", "/v1/partitions", Role::admin, Kind::change, definition_body, create_partition},
    Route{"GET", "/v1/partitions/{sel}", Role::reader, Kind::query, no_body, get_partition},
    Route{"DELETE", "/v1/partitions/{sel}", Role::admin, Kind::change, no_body, undefine_partition},
    Route{"GET", "/v1/partitions/{sel}/spec", Role::reader, Kind::query, no_body, get_definition},
    Route{"PUT", "/v1/partitions/{sel}/spec", Role::admin, Kind::change, definition_body,
          replace_definition},
    Route{"GET", "/v1/partitions/{sel}/revisions", Role::reader, Kind::query, no_body,
          list_revisions},
    Route{"GET", "/v1/partitions/{sel}/changes", Role::reader, Kind::query, no_body, get_changes},
    Route{"POST", "/v1/partitions/{sel}/rollback", Role::admin, Kind::change, small_body,
          rollback_definition},
    // Runs the program that the definition names: not for readers, and counted.
    Route{"GET", "/v1/partitions/{sel}/vmm-args", Role::admin, Kind::waiting, no_body,
          get_vmm_arguments},
    Route{"GET", "/v1/partitions/{sel}/vcpus", Role::reader, Kind::query, no_body, get_vcpus},
    Route{"GET", "/v1/partitions/{sel}/wait", Role::reader, Kind::waiting, no_body, wait_partition},
    Route{"POST", "/v1/partitions/{sel}/start", Role::admin, Kind::change, small_body,
          start_partition},
    Route{"POST", "/v1/partitions/{sel}/shutdown", Role::admin, Kind::change, small_body,
          shutdown_partition},
    Route{"POST", "/v1/partitions/{sel}/reboot", Role::admin, Kind::change, small_body,
          reboot_partition},
    Route{"POST", "/v1/partitions/{sel}/reset", Role::admin, Kind::change, small_body,
          reset_partition},
    Route{"POST", "/v1/partitions/{sel}/destroy", Role::admin, Kind::change, small_body,
          destroy_partition},
    Route{"POST", "/v1/partitions/{sel}/pause", Role::admin, Kind::change, small_body,
          pause_partition},
    Route{"POST", "/v1/partitions/{sel}/unpause", Role::admin, Kind::change, small_body,
          unpause_partition},
    Route{"POST", "/v1/partitions/{sel}/suspend", Role::admin, Kind::change, small_body, suspend},
    Route{"POST", "/v1/partitions/{sel}/resume", Role::admin, Kind::change, small_body, resume},
    Route{"POST", "/v1/partitions/{sel}/trigger", Role::admin, Kind::change, small_body,
          trigger_partition},
    Route{"POST", "/v1/partitions/{sel}/rename", Role::admin, Kind::change, small_body,
          rename_partition},
    Route{"POST", "/v1/partitions/{sel}/autostart", Role::admin, Kind::change, small_body,
          autostart_partition},
    Route{"POST", "/v1/partitions/{sel}/host-shutdown", Role::admin, Kind::change, small_body,
          note_host_shutdown},
    Route{"GET", "/v1/partitions/{sel}/disks", Role::reader, Kind::query, no_body, list_disks},
    Route{"POST", "/v1/partitions/{sel}/attach-disk", Role::admin, Kind::change, small_body,
          attach_disk},
    Route{"POST", "/v1/partitions/{sel}/detach-disk", Role::admin, Kind::change, small_body,
          detach_disk},
    Route{"POST", "/v1/partitions/{sel}/resize-disk", Role::admin, Kind::change, small_body,
          resize_disk},
    Route{"POST", "/v1/partitions/{sel}/change-medium", Role::admin, Kind::change, small_body,
          change_medium},
    Route{"POST", "/v1/partitions/{sel}/set-disk-limits", Role::admin, Kind::change, small_body,
          set_disk_limits},
    Route{"GET", "/v1/partitions/{sel}/memory", Role::reader, Kind::query, no_body, get_memory},
    Route{"POST", "/v1/partitions/{sel}/set-memory", Role::admin, Kind::change, small_body,
          set_memory},
    Route{"POST", "/v1/partitions/{sel}/pin-vcpu", Role::admin, Kind::change, small_body, pin_vcpu},
    Route{"POST", "/v1/partitions/{sel}/set-vcpus", Role::admin, Kind::change, small_body,
          set_vcpus},
    Route{"GET", "/v1/partitions/{sel}/interfaces", Role::reader, Kind::query, no_body, list_nics},
    Route{"POST", "/v1/partitions/{sel}/attach-interface", Role::admin, Kind::change, small_body,
          attach_nic},
    Route{"POST", "/v1/partitions/{sel}/detach-interface", Role::admin, Kind::change, small_body,
          detach_nic},
    Route{"POST", "/v1/partitions/{sel}/set-link", Role::admin, Kind::change, small_body, set_link},
    // What asks a guest may wait for it.
    Route{"GET", "/v1/partitions/{sel}/guest/ping", Role::reader, Kind::waiting, no_body,
          ping_guest},
    Route{"GET", "/v1/partitions/{sel}/guest/info", Role::reader, Kind::waiting, no_body,
          get_guest_info},
    Route{"GET", "/v1/partitions/{sel}/guest/addresses", Role::reader, Kind::waiting, no_body,
          get_guest_addresses},
    Route{"GET", "/v1/partitions/{sel}/guest/freeze", Role::reader, Kind::waiting, no_body,
          get_guest_freeze},
    Route{"POST", "/v1/partitions/{sel}/guest/freeze", Role::admin, Kind::change, small_body,
          freeze_guest},
    Route{"POST", "/v1/partitions/{sel}/guest/thaw", Role::admin, Kind::change, small_body,
          thaw_guest},
    Route{"POST", "/v1/partitions/{sel}/guest/sync-time", Role::admin, Kind::change, small_body,
          sync_guest_time},
    // Arguments, environment and input of a program may be secrets.
    Route{"POST", "/v1/partitions/{sel}/guest/exec", Role::admin, Kind::change, definition_body,
          exec_in_guest, Body::secret},
    Route{"POST", "/v1/partitions/{sel}/guest/exec-status", Role::admin, Kind::waiting, small_body,
          get_guest_exec},
    // What a guest writes to its console may hold secrets: not for readers.
    Route{"GET", "/v1/partitions/{sel}/console", Role::admin, Kind::query, no_body, attach_console},
    Route{"GET", "/v1/partitions/{sel}/console/log", Role::admin, Kind::query, no_body,
          get_console_log},
    Route{"POST", "/v1/partitions/{sel}/save", Role::admin, Kind::change, small_body,
          save_partition},
    Route{"POST", "/v1/partitions/{sel}/dump-core", Role::admin, Kind::change, small_body,
          dump_partition},
    Route{"DELETE", "/v1/partitions/{sel}/saved", Role::admin, Kind::change, no_body, drop_saved},
    Route{"POST", "/v1/restore", Role::admin, Kind::change, small_body, restore_partition},
    Route{"POST", "/v1/compare", Role::admin, Kind::waiting, small_body, compare_saved},
    Route{"GET", "/v1/claims", Role::reader, Kind::query, no_body, list_claims},
    Route{"GET", "/v1/jobs", Role::reader, Kind::query, no_body, list_jobs},
    Route{"GET", "/v1/jobs/{sel}", Role::reader, Kind::waiting, no_body, get_job},
    Route{"POST", "/v1/jobs/{sel}/cancel", Role::admin, Kind::change, small_body, cancel_job},
    Route{"GET", "/v1/scheduling", Role::reader, Kind::query, no_body, list_scheduling},
    Route{"GET", "/v1/partitions/{sel}/scheduling", Role::reader, Kind::query, no_body,
          get_scheduling},
    Route{"POST", "/v1/partitions/{sel}/set-scheduling", Role::admin, Kind::change, small_body,
          set_scheduling},
    Route{"GET", "/v1/cpu-pools", Role::reader, Kind::query, no_body, list_cpu_pools},
    Route{"POST", "/v1/cpu-pools", Role::admin, Kind::change, small_body, create_cpu_pool},
    Route{"DELETE", "/v1/cpu-pools/{sel}", Role::admin, Kind::change, no_body, destroy_cpu_pool},
    Route{"POST", "/v1/cpu-pools/{sel}/rename", Role::admin, Kind::change, small_body,
          rename_cpu_pool},
    Route{"POST", "/v1/cpu-pools/{sel}/add-cpus", Role::admin, Kind::change, small_body,
          add_pool_cpus},
    Route{"POST", "/v1/cpu-pools/{sel}/remove-cpus", Role::admin, Kind::change, small_body,
          remove_pool_cpus},
    Route{"POST", "/v1/split-cpu-pools", Role::admin, Kind::change, small_body, split_cpu_pools},
    Route{"POST", "/v1/plan", Role::admin, Kind::query, definition_body, plan_definition},
    Route{"POST", "/v1/vmm-args", Role::admin, Kind::waiting, definition_body, plan_vmm_arguments},
    Route{"GET", "/v1/events", Role::reader, Kind::waiting, no_body, get_events},
    Route{"GET", "/v1/history", Role::reader, Kind::query, no_body, get_history},
};

bool matches(std::string_view pattern, const std::vector<std::string>& segments) {
    for (const auto& segment : segments) {
        if (pattern.empty()) {
            return false;
        }
        pattern.remove_prefix(1);
        const auto slash = pattern.find('/');
        const std::string_view part = pattern.substr(0, slash);
        if (part != "{sel}" && part != segment) {
            return false;
        }
        pattern = slash == std::string_view::npos ? "" : pattern.substr(slash);
    }
    return pattern.empty();
}

} // namespace

std::span<const Route> routes() {
    return table;
}

const Route* find_route(std::string_view method, const std::vector<std::string>& segments,
                        std::string& allow) {
    for (const Route& route : table) {
        if (!matches(route.pattern, segments)) {
            continue;
        }
        if (route.method == method) {
            return &route;
        }
        allow += allow.empty() ? "" : ", ";
        allow += route.method;
    }
    return nullptr;
}

Call::Call(control::PartitionService& service_, const Options& options_, http::Request& request_,
           const posix::PeerCredentials& peer_)
    : service(service_), options(options_), request(request_), peer(peer_),
      query(std::move(request_.target.query)) {}

api::Selector Call::selector() const {
    constexpr std::size_t place = 2; // /v1/partitions/{sel}
    return api::Selector::parse(request.target.segments.at(place));
}

control::Actor Call::actor() const {
    return {"uid " + std::to_string(peer.uid) + " pid " + std::to_string(peer.pid)};
}

std::optional<std::int64_t> Call::revision(std::string_view key) {
    constexpr auto largest = static_cast<std::uint64_t>(INT64_MAX);
    const auto number = query.number(key, 1, largest);
    return number ? std::optional(static_cast<std::int64_t>(*number)) : std::nullopt;
}

posix::Deadline Call::wait_busy() {
    const auto span = query.span("wait_busy_ms");
    query.done();
    return posix::Deadline::after(span.value_or(std::chrono::milliseconds(0)));
}

http::Response json_response(std::string body, int status) {
    http::Response response;
    response.status = status;
    response.body = std::move(body);
    return response;
}

http::Response error_response(const api::Error& error) {
    return json_response(api::encode_error(error), api::error_info(error.code()).http_status);
}

} // namespace mshv::rest
