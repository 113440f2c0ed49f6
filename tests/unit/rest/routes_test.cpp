// SPDX-License-Identifier: Apache-2.0
#include "daemon/rest/api_handler.hpp"
#include "daemon/rest/routes.hpp"
#include "tests/unit/rest/fake_service.hpp"
#include "toolstack/libs/http/client.hpp"
#include "toolstack/libs/posix/file.hpp"
#include "toolstack/libs/posix/socket.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <future>
#include <system_error>
#include <unistd.h>

using namespace mshv;
using namespace mshv::rest;
using posix::Deadline;

namespace {

constexpr uid_t stranger = 1001, reader = 1002, admin = 1003;
constexpr gid_t reader_group = 2002, admin_group = 2003;

posix::PeerCredentials peer_of(uid_t uid) {
    switch (uid) {
    case reader:
        return {1, uid, uid, {5, reader_group}};
    case admin:
        return {1, uid, admin_group, {}};
    default:
        return {1, uid, uid, {5}};
    }
}

Options options() {
    Options result;
    result.roles = {0, admin_group, reader_group};
    result.version.version = "1.2.3";
    result.waiting_requests = 2;
    result.host = [] { return api::HostView{{{"host", "h"}}}; };
    return result;
}

/// Through the handler alone, as any peer.
struct Direct {
    test::FakeService service;
    std::vector<Access> log;
    ApiHandler handler;

    explicit Direct(Options given = options()) : handler(service, with_log(std::move(given))) {}

    Options with_log(Options given) {
        given.access = [this](const Access& access) { log.push_back(access); };
        return given;
    }

    http::Response ask(const std::string& method, const std::string& target, uid_t uid = admin,
                       const std::string& body = "", http::Headers headers = {}) {
        http::Request request;
        request.method = method;
        request.target = http::parse_target(target);
        request.headers = std::move(headers);
        request.content_length = body.size();
        const auto peer = peer_of(uid);
        auto admission = handler.admit(request, peer);
        if (auto* refusal = std::get_if<http::Response>(&admission)) {
            return std::move(*refusal);
        }
        request.body = body;
        auto answer = handler.handle(request, peer);
        if (auto* response = std::get_if<http::Response>(&answer)) {
            return std::move(*response);
        }
        return http::Response{101, "", {}, "", {}};
    }
};

std::string concrete(std::string_view pattern) {
    std::string path(pattern);
    if (const auto at = path.find("{sel}"); at != std::string::npos) {
        path.replace(at, 5, "web");
    }
    return path;
}

std::string error_code(const http::Response& response) {
    return std::string(
        api::error_info(api::decode_error(response.body, response.status).code()).name);
}

} // namespace

BOOST_AUTO_TEST_CASE(what_only_an_admin_may_is_audited_and_what_is_refused) {
    for (const Route& route : routes()) {
        Direct d;
        const std::string method(route.method);
        const std::string path = concrete(route.pattern);
        for (const uid_t uid : {stranger, reader, admin}) {
            d.ask(method, path, uid);
        }
        BOOST_TEST_REQUIRE(d.log.size() == 3U, path);
        BOOST_TEST(d.log[0].audited, path);
        BOOST_TEST(d.log[1].audited == (route.role == Role::admin), path);
        BOOST_TEST(d.log[2].audited == (route.role == Role::admin), path);
    }
}

BOOST_AUTO_TEST_CASE(an_audited_request_has_query_and_body_unless_that_is_long) {
    Direct d;
    d.ask("POST", "/v1/partitions/web/rename?wait_busy_ms=5", admin, R"({"name":"other"})");
    BOOST_TEST_REQUIRE(d.log.size() == 1U);
    BOOST_TEST(d.log[0].body == R"({"name":"other"})");
    BOOST_TEST(d.log[0].body_bytes == d.log[0].body.size());
    BOOST_TEST(d.log[0].query.at("wait_busy_ms") == "5");
    const std::string longer = "{\"name\":\"" + std::string(5000, 'x') + "\"}";
    d.ask("POST", "/v1/partitions/web/rename", admin, longer);
    BOOST_TEST_REQUIRE(d.log.size() == 2U);
    BOOST_TEST(d.log[1].body.empty());
    BOOST_TEST(d.log[1].body_bytes == longer.size());
    d.ask("GET", "/v1/partitions", admin);
    BOOST_TEST_REQUIRE(d.log.size() == 3U);
    BOOST_TEST(!d.log[2].audited);
    const std::string secret = R"({"program":"login","arguments":["--password=x"]})";
    d.ask("POST", "/v1/partitions/web/guest/exec", admin, secret);
    BOOST_TEST_REQUIRE(d.log.size() == 4U);
    BOOST_TEST(d.log[3].audited);
    BOOST_TEST(d.log[3].body.empty());
    BOOST_TEST(d.log[3].body_bytes == secret.size());
}

BOOST_AUTO_TEST_CASE(every_route_against_every_role) {
    for (const Route& route : routes()) {
        Direct d;
        const std::string method(route.method);
        const std::string path = concrete(route.pattern);
        BOOST_TEST(d.ask(method, path, stranger).status == 403, path);
        BOOST_TEST((d.ask(method, path, reader).status == 403) == (route.role == Role::admin),
                   path);
        BOOST_TEST(d.ask(method, path, admin).status != 403, path);
        BOOST_TEST(d.ask(method, path, 0).status != 403, path);
        if (route.role == Role::admin) {
            // What a reader was refused did not reach the service.
            Direct fresh;
            fresh.ask(method, path, reader, "{}");
            BOOST_TEST(fresh.service.calls.empty(), path);
        }
    }
}

BOOST_AUTO_TEST_CASE(roles) {
    const RolePolicy policy{500, admin_group, reader_group};
    BOOST_TEST((role_of({1, 0, 0, {}}, policy) == Role::admin));
    BOOST_TEST((role_of({1, 500, 9, {}}, policy) == Role::admin));
    BOOST_TEST((role_of({1, 7, 7, {1, admin_group}}, policy) == Role::admin));
    BOOST_TEST((role_of({1, 7, reader_group, {}}, policy) == Role::reader));
    BOOST_TEST((role_of({1, 7, 7, {reader_group, admin_group}}, policy) == Role::admin));
    BOOST_TEST((role_of({1, 7, 0, {}}, policy) == Role::none));
    BOOST_TEST((role_of({1, 65534, admin_group, {admin_group}}, policy) == Role::none));
    BOOST_TEST((role_of({1, 7, 0, {0}}, RolePolicy{}) == Role::none));
}

BOOST_AUTO_TEST_CASE(strangers_cannot_tell_paths_apart) {
    Direct d;
    BOOST_TEST(d.ask("GET", "/v1/version", stranger).body ==
               d.ask("GET", "/nowhere", stranger).body);
}

BOOST_AUTO_TEST_CASE(unknown_paths_and_methods) {
    Direct d;
    BOOST_TEST(d.ask("GET", "/nowhere").status == 404);
    BOOST_TEST(d.ask("GET", "/v1").status == 404);
    BOOST_TEST(d.ask("GET", "/v1/partitions/web/start/x").status == 404);
    const auto response = d.ask("PUT", "/v1/partitions/web");
    BOOST_TEST(response.status == 405);
    BOOST_TEST(*http::find_header(response.headers, "Allow") == "GET, DELETE");
}

BOOST_AUTO_TEST_CASE(requests_reach_the_service) {
    Direct d;
    const auto check = [&](const char* method, const char* target, const char* body,
                           const char* call, int status = 200) {
        const auto response = d.ask(method, target, admin, body);
        BOOST_TEST(response.status == status, target << " " << response.body);
        BOOST_TEST(d.service.last() == call);
    };
    check("GET", "/v1/partitions", "", "list 0");
    check("GET", "/v1/partitions?all=1", "", "list 1");
    check("GET", "/v1/partitions/name%3Aweb", "", "get name:web");
    check("GET", "/v1/partitions/7", "", "get 7");
    check("DELETE", "/v1/partitions/web", "", "undefine web");
    check("GET", "/v1/partitions/web/spec", "", "definition web");
    check("GET", "/v1/partitions/web/spec?revision=3", "", "definition web @3");
    check("DELETE", "/v1/partitions/web?revision=3", "", "undefine @3 web");
    check("PUT", "/v1/partitions/web/spec",
          R"({"spec":{"name":"n","memory":{"size":1}},"revision":4,"cause":"edited"})",
          "replace by n @4 edited by uid 1003 pid 1 web");
    check("GET", "/v1/partitions/web/revisions?limit=5", "", "revisions web 5");
    check("GET", "/v1/partitions/web/changes", "", "changes web");
    check("GET", "/v1/partitions/web/changes?from=1&to=2", "", "changes web @1 @2");
    check("POST", "/v1/partitions/web/rollback", R"({"to":2,"revision":5})",
          "rollback to 2 @5 web");
    check("POST", "/v1/plan", R"({"spec":{"name":"n","memory":{"size":1}}})", "plan n");
    check("GET", "/v1/partitions/web/vmm-args", "", "arguments of web");
    check("POST", "/v1/vmm-args", R"({"spec":{"name":"n","memory":{"size":1}}})",
          "arguments for n");
    check("GET", "/v1/partitions/web/vcpus", "", "vcpus web");
    check("GET", "/v1/partitions/web/wait?state=running,paused", "", "wait running paused web");
    check("POST", "/v1/partitions/web/start", "", "start web");
    check("POST", "/v1/partitions/web/start?wait_busy_ms=5000", R"({"paused":true})",
          "start paused waits web");
    check("POST", "/v1/partitions/web/shutdown", R"({"methods":["acpi"]})", "shutdown 1 web");
    check("POST", "/v1/partitions/web/reboot", "{}", "reboot web");
    check("POST", "/v1/partitions/web/reset", "", "reset web");
    check("POST", "/v1/partitions/web/pause", " { } ", "pause web");
    check("POST", "/v1/partitions/web/unpause", "{}", "unpause web");
    check("POST", "/v1/partitions/web/destroy", R"({"grace_ms":5})", "destroy 5 web");
    check("POST", "/v1/partitions/web/rename", R"({"name":"n"})", "rename to n web");
    check("POST", "/v1/partitions/web/autostart", R"({"enabled":false})", "autostart 0 web");
    check("POST", "/v1/partitions/web/trigger", R"({"trigger":"nmi"})", "get web");
    check("POST", "/v1/partitions/web/host-shutdown", R"({"outcome":"saved","detail":"x"})",
          "host-shutdown saved x web");
    check("GET", "/v1/partitions/web/disks", "", "disks web");
    check("POST", "/v1/partitions/web/attach-disk",
          R"({"disk":{"target":"vdb","path":"/d"},"live":true,"config":true})",
          "attach /d live config web");
    check("POST", "/v1/partitions/web/detach-disk", R"({"target":"vdb"})", "detach vdb web");
    check("POST", "/v1/partitions/web/resize-disk", R"({"target":"vdb","size":1024})",
          "resize vdb 1024 web");
    check("POST", "/v1/partitions/web/change-medium",
          R"({"target":"sda","path":"/a.iso","force":true,"live":true})",
          "medium sda /a.iso force live web");
    check("POST", "/v1/partitions/web/change-medium", R"({"target":"sda","config":true})",
          "medium sda  config web");
    check("POST", "/v1/partitions/web/set-memory", R"({"size":1048576,"live":true})",
          "memory 1048576 live web");
    check("POST", "/v1/partitions/web/set-memory", R"({"size":1048576,"maximum":true})",
          "memory 1048576 maximum web");
    check("GET", "/v1/partitions/web/memory", "", "memory web");
    check("GET", "/v1/partitions/web/guest/ping", "", "ping web");
    check("GET", "/v1/partitions/web/guest/info", "", "guest web");
    check("GET", "/v1/partitions/web/guest/addresses", "", "addresses web");
    check("GET", "/v1/partitions/web/guest/freeze", "", "freeze-status web");
    check("POST", "/v1/partitions/web/guest/freeze", "", "freeze 60 web");
    check("POST", "/v1/partitions/web/guest/freeze", R"({"thaw_after_s":5})", "freeze 5 web");
    check("POST", "/v1/partitions/web/guest/thaw", "", "thaw web");
    check("POST", "/v1/partitions/web/guest/sync-time", "", "sync-time web");
    check("POST", "/v1/partitions/web/guest/exec", R"({"program":"ls","arguments":["-l"]})",
          "exec ls web by uid 1003 pid 1");
    check("POST", "/v1/partitions/web/guest/exec-status", R"({"pid":7,"wait_ms":9})",
          "exec-status 7 web");
    check("POST", "/v1/partitions/web/pin-vcpu", R"({"vcpu":1,"cpus":"0-3","live":true})",
          "pin 1 0-3 live web");
    check("POST", "/v1/partitions/web/pin-vcpu", R"({"cpus":"all"})", "pin all all web");
    check("POST", "/v1/partitions/web/set-vcpus", R"({"count":3,"ignore_host":true,"live":true})",
          "vcpus 3 crowd live web");
    check("POST", "/v1/partitions/web/set-vcpus", R"({"count":8,"maximum":true})",
          "vcpus 8 maximum web");
    check("POST", "/v1/partitions/web/suspend", R"({"timeout_ms":5})", "suspend 5 web");
    check("POST", "/v1/partitions/web/suspend", "", "suspend 30000 web");
    check("POST", "/v1/partitions/web/resume", R"({"timeout_ms":6})", "wake 6 web");
    check("GET", "/v1/partitions/web/interfaces", "", "interfaces web");
    check("POST", "/v1/partitions/web/attach-interface",
          R"({"interface":{"source":"bridge","bridge":"br0"},"live":true,"config":true})",
          "attach br0 live config web");
    check("POST", "/v1/partitions/web/detach-interface", R"({"target":"net0"})", "detach net0 web");
    check("POST", "/v1/partitions/web/set-disk-limits",
          R"({"target":"vda","total_iops":{"per_second":5},"live":true})",
          "limit vda iops live web");
    check("POST", "/v1/partitions/web/set-link", R"({"target":"net0","up":false})",
          "link net0 down web");
    check("GET", "/v1/events?since=5&limit=7", "", "events 5 7");
    check("GET", "/v1/events?partition=01234567-89ab-cdef-0123-456789abcdef", "",
          "events 0 1000 01234567-89ab-cdef-0123-456789abcdef");
    check("GET", "/v1/events?partition=web", "",
          "events 0 1000 11111111-2222-3333-4444-555555555555");
    check("GET", "/v1/history", "", "history - 1000");
    check("GET", "/v1/history?partition=name%3Aold&limit=3", "", "history old 3");
    check("GET", "/v1/history?partition=12", "",
          "history 11111111-2222-3333-4444-555555555555 1000");
    check("GET", "/v1/partitions/web/console/log", "", "log web");
    check("POST", "/v1/partitions", R"({"spec":{"name":"n","memory":{"size":1}}})",
          "create n by uid 1003 pid 1", 201);
    check("POST", "/v1/partitions?wait_busy_ms=5000",
          R"({"spec":{"name":"n","memory":{"size":1}}})", "create n by uid 1003 pid 1 waits", 201);
    BOOST_TEST(d.ask("GET", "/v1/version").body.find("1.2.3") != std::string::npos);
    BOOST_TEST(d.ask("GET", "/v1/host").body == R"({"facts":[{"key":"host","value":"h"}]})");
}

BOOST_AUTO_TEST_CASE(bad_requests_do_not_reach_the_service) {
    Direct d;
    const auto check = [&](const char* method, const char* target, const char* body, int status) {
        BOOST_TEST(d.ask(method, target, admin, body).status == status, target << " " << body);
    };
    check("GET", "/v1/partitions?al=1", "", 400);
    check("GET", "/v1/partitions?all=2", "", 400);
    check("GET", "/v1/partitions/0", "", 400);
    check("GET", "/v1/partitions/id%3A0", "", 400);
    check("GET", "/v1/partitions/web/wait", "", 400);
    check("GET", "/v1/partitions/web/wait?state=flying", "", 400);
    check("GET", "/v1/partitions/web/wait?state=running&timeout_ms=-1", "", 400);
    check("GET", "/v1/events?limit=0", "", 400);
    check("GET", "/v1/events?limit=1000000", "", 400);
    check("GET", "/v1/events?since=9223372036854775808", "", 400);
    check("GET", "/v1/partitions/web/spec?revision=0", "", 400);
    check("DELETE", "/v1/partitions/web?revision=x", "", 400);
    check("PUT", "/v1/partitions/web/spec", "{}", 422);
    check("POST", "/v1/partitions/web/rollback", "{}", 422);
    check("POST", "/v1/plan?wait_busy_ms=1", R"({"spec":{"name":"n","memory":{"size":1}}})", 400);
    check("POST", "/v1/partitions/web/start", "nonsense", 400);
    check("POST", "/v1/partitions/web/start", R"({"pause":true})", 422);
    check("POST", "/v1/partitions/web/start?wait_busy_ms=x", "", 400);
    check("POST", "/v1/partitions/web/start?force=1", "", 400);
    check("POST", "/v1/partitions/web/reset", R"({"x":1})", 422);
    check("POST", "/v1/partitions/web/reset", "[]", 422);
    check("POST", "/v1/partitions/web/trigger", "{}", 422);
    check("POST", "/v1/partitions", R"({"spec":{"name":"n"}})", 422);
    check("GET", "/v1/partitions/web/console?mode=x", "", 400);
    check("GET", "/v1/partitions/web/console?since=1&replay=1", "", 400);
    check("GET", "/v1/partitions/web/console", "", 426);
    BOOST_TEST(d.service.calls.empty());
}

BOOST_AUTO_TEST_CASE(errors_get_the_status_of_their_code) {
    for (const auto& row : api::error_table()) {
        Direct d;
        d.service.before = [&] { throw api::Error(row.code, "m", "h"); };
        const auto response = d.ask("POST", "/v1/partitions/web/start");
        BOOST_TEST(response.status == row.http_status);
        BOOST_TEST(error_code(response) == row.name);
        BOOST_REQUIRE(d.log.size() == 1U);
        BOOST_TEST(d.log[0].error == "m");
        BOOST_TEST(d.log[0].change);
    }
    Direct d;
    d.service.before = [] { throw std::system_error(ENOSPC, std::generic_category(), "write"); };
    BOOST_TEST(d.ask("GET", "/v1/partitions").status == 507);
    d.service.before = [] { throw std::logic_error("bug"); };
    BOOST_TEST(d.ask("GET", "/v1/partitions").status == 500);
    d.service.before = [] { throw posix::TimedOut("late"); };
    BOOST_TEST(d.ask("GET", "/v1/partitions").status == 504);
}

BOOST_AUTO_TEST_CASE(failures_of_http_are_errors_of_the_contract) {
    Direct d;
    BOOST_TEST(error_code(d.handler.failure(413, "big")) == "usage");
    BOOST_TEST(error_code(d.handler.failure(408, "slow")) == "timeout");
    BOOST_TEST(error_code(d.handler.failure(503, "full")) == "unreachable");
    BOOST_TEST(d.handler.failure(431, "long").status == 431);
}

BOOST_AUTO_TEST_CASE(refusals_are_reported) {
    Direct d;
    d.ask("POST", "/v1/partitions/web/start", reader);
    BOOST_REQUIRE(d.log.size() == 1U);
    BOOST_TEST(d.log[0].status == 403);
    BOOST_TEST(d.log[0].uid == reader);
    BOOST_TEST(d.log[0].path == "/v1/partitions/web/start");
}

namespace {

/// Through a socket.
struct Live {
    test::FakeService service;
    ApiHandler handler{service, options()};
    std::string folder = [] {
        std::string pattern = "/tmp/mshv-rest-XXXXXX";
        return std::string(::mkdtemp(pattern.data()));
    }();
    std::string path = folder + "/s";
    http::Server server{posix::listen_unix(path, 0600), handler};

    Live() = default;
    Live(const Live&) = delete;
    Live& operator=(const Live&) = delete;
    ~Live() {
        service.release();
        server.stop(soon());
        posix::remove_tree(folder);
    }
    static Deadline soon() { return Deadline::after(std::chrono::seconds(10)); }
};

} // namespace

BOOST_AUTO_TEST_CASE(waiting_requests_are_limited) {
    Live live;
    std::vector<std::future<int>> waiters;
    for (int i = 0; i < 2; ++i) {
        waiters.push_back(std::async(std::launch::async, [&] {
            http::Client client(live.path);
            return client.send({"GET", "/v1/events?wait_ms=60000", ""}, Live::soon()).status;
        }));
    }
    live.service.wait_for_waiters(2);
    http::Client client(live.path);
    const auto refused = client.send({"GET", "/v1/events?wait_ms=60000", ""}, Live::soon());
    BOOST_TEST(refused.status == 503);
    BOOST_TEST(client.send({"GET", "/v1/partitions", ""}, Live::soon()).status == 200);
    live.service.release();
    for (auto& waiter : waiters) {
        BOOST_TEST(waiter.get() == 200);
    }
    BOOST_TEST(client.send({"GET", "/v1/events?wait_ms=1", ""}, Live::soon()).status == 200);
}

BOOST_AUTO_TEST_CASE(console_upgrade) {
    Live live;
    http::Client client(live.path);
    auto answer = client.upgrade("/v1/partitions/web/console?mode=rw&steal=1&since=5",
                                 "mshv-console/1", Live::soon());
    BOOST_REQUIRE(std::holds_alternative<http::Upgraded>(answer));
    BOOST_TEST(live.service.last() == "console web rw steal since=5 early=");

    live.service.before = [] { throw api::Error(api::ErrorCode::busy, "uid 3 types"); };
    answer = client.upgrade("/v1/partitions/web/console?mode=ro", "mshv-console/1", Live::soon());
    BOOST_REQUIRE(std::holds_alternative<http::ClientResponse>(answer));
    const auto& refusal = std::get<http::ClientResponse>(answer);
    BOOST_TEST(refusal.status == 423);
    BOOST_TEST(api::decode_error(refusal.body, refusal.status).message() == "uid 3 types");
}

BOOST_AUTO_TEST_CASE(console_log_is_sent_file_by_file) {
    Live live;
    http::Client client(live.path);
    BOOST_TEST(client.send({"GET", "/v1/partitions/web/console/log", ""}, Live::soon()).body ==
               "old new");
}
