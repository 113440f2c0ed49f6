// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/service.hpp"
#include "daemon/rest/roles.hpp"
#include "toolstack/libs/api/requests.hpp"
#include "toolstack/libs/http/server.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <sys/types.h>

namespace mshv::rest {

/// One request that was answered or refused, for the logs.
struct Access {
    std::uint64_t number = 0; ///< of this daemon's requests
    std::string method;
    std::string path; ///< decoded, as it came: to be escaped
    int status = 0;
    bool change = false;  ///< a route that changes something
    bool audited = false; ///< an admin's route, or refused to this user
    uid_t uid = 0;
    gid_t gid = 0;
    pid_t pid = 0;
    std::chrono::microseconds took{0};
    std::string error; ///< message of the error; empty when it was none
    // Of an audited request that was not refused:
    std::map<std::string, std::string> query;
    std::string body; ///< empty when it is longer than api::audited_body, or secret
    std::size_t body_bytes = 0;
};

struct Options {
    RolePolicy roles;
    /// How many requests may wait at one time (wait, events with wait_ms); one more is told to come
    /// again, so that waiting clients never take all connections.
    std::size_t waiting_requests = 32;
    /// What GET /v1/version answers.
    api::VersionInfo version;
    /// What GET /v1/host answers; must answer from memory.
    std::function<api::HostView()> host;
    /// Called behind each request, on its thread. May be empty.
    std::function<void(const Access&)> access;
};

/// Answers for the daemon. Thread-safe; give it to http::Server. The service ends waiting requests
/// when it stops, so stop it before the server.
class ApiHandler : public http::Handler {
public:
    ApiHandler(control::PartitionService& service, Options options)
        : service_(service), options_(std::move(options)) {}

    std::variant<Admitted, http::Response> admit(const http::Head& head,
                                                 const posix::PeerCredentials& peer) override;
    http::Answer handle(http::Request& request, const posix::PeerCredentials& peer) override;
    http::Response failure(int status, std::string_view why) override;

private:
    void report(Access access, int status, std::string error);

    control::PartitionService& service_;
    const Options options_;
    std::atomic<std::size_t> waiting_{0};
    std::atomic<std::uint64_t> requests_{0};
};

} // namespace mshv::rest
