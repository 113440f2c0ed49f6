// SPDX-License-Identifier: Apache-2.0
#include "daemon/rest/api_handler.hpp"

#include "daemon/rest/routes.hpp"
#include "toolstack/libs/api/audit.hpp"

#include <cerrno>
#include <new>
#include <system_error>

namespace mshv::rest {
namespace {

using Clock = std::chrono::steady_clock;

/// One of the waiting requests; empty when there are too many.
class Ticket {
public:
    Ticket(std::atomic<std::size_t>& count, std::size_t most) : count_(count) {
        granted_ = count_.fetch_add(1) < most;
    }
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;
    ~Ticket() { count_.fetch_sub(1); }
    explicit operator bool() const { return granted_; }

private:
    std::atomic<std::size_t>& count_;
    bool granted_ = false;
};

std::string path_of(const http::Head& head) {
    std::string path;
    for (const auto& segment : head.target.segments) {
        path += '/';
        path += segment;
    }
    return path;
}

api::ErrorCode code_of(int status) {
    switch (status) {
    case 408:
        return api::ErrorCode::timeout;
    case 503:
        return api::ErrorCode::unreachable;
    default:
        return status < 500 ? api::ErrorCode::usage : api::ErrorCode::failed;
    }
}

/// What a route's function threw, in the words of the contract.
api::Error translate(const std::exception& thrown) {
    if (const auto* error = dynamic_cast<const api::Error*>(&thrown)) {
        return *error;
    }
    if (dynamic_cast<const posix::TimedOut*>(&thrown) != nullptr) {
        return api::Error(api::ErrorCode::timeout, thrown.what());
    }
    if (const auto* system = dynamic_cast<const std::system_error*>(&thrown)) {
        const int number = system->code().value();
        const bool resource =
            number == ENOMEM || number == ENOSPC || number == EMFILE || number == ENFILE;
        return api::Error(resource ? api::ErrorCode::no_resource : api::ErrorCode::failed,
                          thrown.what());
    }
    if (dynamic_cast<const std::bad_alloc*>(&thrown) != nullptr) {
        return api::Error(api::ErrorCode::no_resource, "the daemon is out of memory");
    }
    return api::Error(api::ErrorCode::failed, "internal error of the daemon")
        .because(thrown.what());
}

Access access_of(const http::Head& head, const posix::PeerCredentials& peer) {
    Access access;
    access.method = head.method;
    access.path = path_of(head);
    access.uid = peer.uid;
    access.gid = peer.gid;
    access.pid = peer.pid;
    return access;
}

} // namespace

std::variant<http::Handler::Admitted, http::Response>
ApiHandler::admit(const http::Head& head, const posix::PeerCredentials& peer) {
    const Role role = role_of(peer, options_.roles);
    const auto refuse = [&](http::Response response, std::string why) {
        Access access = access_of(head, peer);
        access.audited = response.status == api::error_info(api::ErrorCode::denied).http_status;
        report(std::move(access), response.status, std::move(why));
        return response;
    };
    // Strangers learn nothing, not even which paths there are.
    if (role == Role::none) {
        const api::Error error(api::ErrorCode::denied,
                               "user " + std::to_string(peer.uid) + " may not use this daemon",
                               "api.admin_group and api.reader_group in mshvd.toml say who may");
        return refuse(error_response(error), error.message());
    }
    std::string allow;
    const Route* route = find_route(head.method, head.target.segments, allow);
    if (route == nullptr && allow.empty()) {
        const api::Error error(api::ErrorCode::not_found, "no such path: " + path_of(head));
        return refuse(error_response(error), error.message());
    }
    if (route == nullptr) {
        const api::Error error(api::ErrorCode::usage,
                               "the method " + head.method + " does not apply here",
                               "the path knows " + allow);
        http::Response response = error_response(error);
        response.status = 405;
        response.headers.emplace_back("Allow", allow);
        return refuse(std::move(response), error.message());
    }
    if (role < route->role) {
        const api::Error error(api::ErrorCode::denied,
                               "user " + std::to_string(peer.uid) + " may look, but not do this",
                               "members of api.admin_group may");
        return refuse(error_response(error), error.message());
    }
    return Admitted{route->body_limit};
}

http::Answer ApiHandler::handle(http::Request& request, const posix::PeerCredentials& peer) {
    const auto begin = Clock::now();
    std::string allow;
    const Route& route = *find_route(request.method, request.target.segments, allow);
    Access access = access_of(request, peer);
    access.change = route.kind == Kind::change;
    access.audited = route.role == Role::admin;
    if (access.audited) {
        access.query = request.target.query;
        access.body_bytes = request.body.size();
        const bool kept =
            route.body == Body::audited && request.body.size() <= api::audited_body;
        access.body = kept ? request.body : std::string();
    }
    const auto answer = [&](http::Response response, std::string error) -> http::Answer {
        access.took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin);
        report(std::move(access), response.status, std::move(error));
        return response;
    };
    try {
        Call call(service_, options_, request, peer);
        http::Answer result = [&] {
            if (route.kind != Kind::waiting) {
                return route.function(call);
            }
            const Ticket ticket(waiting_, options_.waiting_requests);
            if (!ticket) {
                throw api::Error(api::ErrorCode::unreachable, "too many waiting requests",
                                 "try again, or wait with fewer clients");
            }
            return route.function(call);
        }();
        if (auto* response = std::get_if<http::Response>(&result)) {
            return answer(std::move(*response), "");
        }
        report(std::move(access), 101, "");
        return result;
    } catch (const std::exception& thrown) {
        const api::Error error = translate(thrown);
        return answer(error_response(error), error.message());
    }
}

http::Response ApiHandler::failure(int status, std::string_view why) {
    http::Response response =
        json_response(api::encode_error(api::Error(code_of(status), std::string(why))), status);
    return response;
}

void ApiHandler::report(Access access, int status, std::string error) {
    if (!options_.access) {
        return;
    }
    access.number = ++requests_;
    access.status = status;
    access.error = std::move(error);
    options_.access(access);
}

} // namespace mshv::rest
