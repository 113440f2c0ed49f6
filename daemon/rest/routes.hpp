// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/guest_service.hpp"
#include "daemon/control/machine_service.hpp"
#include "daemon/control/scheduling_service.hpp"
#include "daemon/control/service.hpp"
#include "daemon/rest/api_handler.hpp"
#include "daemon/rest/query.hpp"
#include "daemon/rest/roles.hpp"
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/http/message.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mshv::rest {

/// What a route's function gets of one request.
class Call {
public:
    Call(control::PartitionService& service, const Options& options, http::Request& request,
         const posix::PeerCredentials& peer);

    control::PartitionService& service;
    const Options& options;
    http::Request& request;
    const posix::PeerCredentials& peer;
    Query query;

    /// The {sel} of the path. Throws Error{usage}.
    [[nodiscard]] api::Selector selector() const;
    [[nodiscard]] control::Actor actor() const;
    /// The number of a revision under `key` of the query.
    std::optional<std::int64_t> revision(std::string_view key);
    /// ?wait_busy_ms of a route that changes something; the query ends with it.
    posix::Deadline wait_busy();
    /// The decoded body; an empty one is {}.
    template <typename T>
    T body() const {
        api::DecodeOptions decode_options;
        decode_options.what = "request body";
        return api::decode<T>(request.body.empty() ? "{}" : std::string_view(request.body),
                              decode_options);
    }
};

/// How a route uses its connection.
enum class Kind {
    query,   ///< reads, answered from memory
    waiting, ///< reads, may wait for something to happen: counted against waiting_requests
    change,
};

/// Whether the audit log has a request's body.
enum class Body {
    audited,
    secret, ///< it may hold what is nobody else's business; its size is logged
};

using RouteFunction = http::Answer (*)(Call&);

/// One way into the daemon. Every part must be given, and a route for everybody does not compile:
/// whoever adds one has to say who may use it.
struct Route {
    consteval Route(std::string_view method_, std::string_view pattern_, Role role_, Kind kind_,
                    std::size_t body_limit_, RouteFunction function_, Body body_ = Body::audited)
        : method(method_), pattern(pattern_), role(role_), kind(kind_), body_limit(body_limit_),
          function(function_), body(body_) {
        if (role_ == Role::none) {
            throw "a route needs a role";
        }
        if (kind_ == Kind::change && role_ != Role::admin) {
            throw "only an admin changes something";
        }
    }

    std::string_view method;
    std::string_view pattern; ///< "/v1/partitions/{sel}/start"
    Role role;
    Kind kind;
    std::size_t body_limit;
    RouteFunction function;
    Body body;
};

/// All of them.
std::span<const Route> routes();

/// The route of a request; `allow` gets the methods that the path knows.
const Route* find_route(std::string_view method, const std::vector<std::string>& segments,
                        std::string& allow);

/// Route functions may throw api::Error; this makes the answer of it.
http::Response error_response(const api::Error& error);
http::Response json_response(std::string body, int status = 200);

template <typename T>
http::Response json_of(const T& value, int status = 200) {
    std::string body;
    api::encode(value, body);
    return json_response(std::move(body), status);
}

// ---- the functions behind the table, by file ---------------------------------------------------

// query_routes.cpp
http::Answer get_version(Call& call);
http::Answer get_host(Call& call);
http::Answer list_partitions(Call& call);
http::Answer get_partition(Call& call);
http::Answer get_vcpus(Call& call);
http::Answer list_claims(Call& call);
http::Answer wait_partition(Call& call);
http::Answer get_events(Call& call);
http::Answer get_history(Call& call);

// metrics.cpp
http::Answer get_metrics(Call& call);

// partition_routes.cpp
http::Answer create_partition(Call& call);
http::Answer undefine_partition(Call& call);
http::Answer start_partition(Call& call);
http::Answer shutdown_partition(Call& call);
http::Answer reboot_partition(Call& call);
http::Answer reset_partition(Call& call);
http::Answer destroy_partition(Call& call);
http::Answer pause_partition(Call& call);
http::Answer unpause_partition(Call& call);
http::Answer trigger_partition(Call& call);
http::Answer rename_partition(Call& call);
http::Answer autostart_partition(Call& call);
http::Answer note_host_shutdown(Call& call);

// definition_routes.cpp
http::Answer get_definition(Call& call);
http::Answer replace_definition(Call& call);
http::Answer list_revisions(Call& call);
http::Answer get_changes(Call& call);
http::Answer rollback_definition(Call& call);
http::Answer plan_definition(Call& call);
http::Answer get_vmm_arguments(Call& call);
http::Answer plan_vmm_arguments(Call& call);

// job_routes.cpp
http::Answer save_partition(Call& call);
http::Answer dump_partition(Call& call);
http::Answer restore_partition(Call& call);
http::Answer compare_saved(Call& call);
http::Answer drop_saved(Call& call);
http::Answer list_jobs(Call& call);
http::Answer get_job(Call& call);
http::Answer cancel_job(Call& call);

// device_routes.cpp
http::Answer list_disks(Call& call);
http::Answer attach_disk(Call& call);
http::Answer detach_disk(Call& call);
http::Answer resize_disk(Call& call);
http::Answer change_medium(Call& call);
http::Answer set_disk_limits(Call& call);
http::Answer list_nics(Call& call);
http::Answer attach_nic(Call& call);
http::Answer detach_nic(Call& call);
http::Answer set_link(Call& call);

// settings_routes.cpp
http::Answer get_memory(Call& call);
http::Answer set_memory(Call& call);
http::Answer pin_vcpu(Call& call);

// machine_routes.cpp
http::Answer set_vcpus(Call& call);
http::Answer suspend(Call& call);
http::Answer resume(Call& call);

// scheduling_routes.cpp
http::Answer list_scheduling(Call& call);
http::Answer get_scheduling(Call& call);
http::Answer set_scheduling(Call& call);
http::Answer list_cpu_pools(Call& call);
http::Answer create_cpu_pool(Call& call);
http::Answer destroy_cpu_pool(Call& call);
http::Answer rename_cpu_pool(Call& call);
http::Answer add_pool_cpus(Call& call);
http::Answer remove_pool_cpus(Call& call);
http::Answer split_cpu_pools(Call& call);

// guest_routes.cpp
http::Answer ping_guest(Call& call);
http::Answer get_guest_info(Call& call);
http::Answer get_guest_addresses(Call& call);
http::Answer exec_in_guest(Call& call);
http::Answer get_guest_exec(Call& call);
http::Answer get_guest_freeze(Call& call);
http::Answer freeze_guest(Call& call);
http::Answer thaw_guest(Call& call);
http::Answer sync_guest_time(Call& call);

// console_routes.cpp
http::Answer attach_console(Call& call);
http::Answer get_console_log(Call& call);

} // namespace mshv::rest
