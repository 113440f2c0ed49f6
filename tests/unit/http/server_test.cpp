// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/http/fixture.hpp"

#include <boost/test/unit_test.hpp>
#include <sys/resource.h>
#include <sys/un.h>
#include <vector>

using namespace mshv;
using namespace mshv::http;
using namespace mshv::http::test;

namespace {

void connect_to(const posix::Fd& socket, const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    posix::check(
        ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
        "connect");
}

} // namespace

BOOST_AUTO_TEST_CASE(answers_on_a_kept_connection) {
    Fixture f;
    Client client(f.path);
    for (int i = 0; i < 3; ++i) {
        const auto answer = client.send({"GET", "/a/b?k=v", ""}, soon());
        BOOST_TEST(answer.status == 200);
        BOOST_TEST(answer.body == "GET /a /b k=v []");
        BOOST_TEST(*find_header(answer.headers, "x-extra") == "1");
    }
    BOOST_TEST(client.send({"POST", "/p", "{}"}, soon()).body == "POST /p [{}]");
    BOOST_TEST(f.server.connections() == 1U);
    BOOST_TEST(f.handler.peer_uid == static_cast<int>(::getuid()));
}

BOOST_AUTO_TEST_CASE(refusal_comes_before_the_body_is_read) {
    Fixture f;
    const std::string answer = f.raw("POST /refuse HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\n");
    BOOST_TEST(Fixture::status_of(answer) == 403);
    BOOST_TEST(f.handler.handled == 0);
    Client client(f.path);
    BOOST_TEST(client.send({"GET", "/refuse", ""}, soon()).status == 403);
    BOOST_TEST(client.send({"GET", "/ok", ""}, soon()).status == 200);
}

BOOST_AUTO_TEST_CASE(an_exception_is_an_answer) {
    Fixture f;
    Client client(f.path);
    const auto answer = client.send({"GET", "/throw", ""}, soon());
    BOOST_TEST(answer.status == 500);
    BOOST_TEST(answer.body == "thrown");
    BOOST_TEST(client.send({"GET", "/ok", ""}, soon()).status == 200);
}

BOOST_AUTO_TEST_CASE(files_are_sent_in_full_length) {
    Fixture f;
    Client client(f.path);
    BOOST_TEST(client.send({"GET", "/file", ""}, soon()).body ==
               std::string("head 0123456789ab\0\0", 19));
    std::string pieces;
    client.send({"GET", "/file", ""}, soon(), [&](std::string_view piece) { pieces += piece; });
    BOOST_TEST(pieces.size() == 19U);
}

BOOST_AUTO_TEST_CASE(upgrade_hands_over_socket_and_early_bytes) {
    Fixture f;
    const posix::Fd socket = f.connect();
    posix::write_all(socket.get(), "GET /upgrade HTTP/1.1\r\nUpgrade: x/1\r\n\r\nEARLY", soon(),
                     "t");
    const std::string answer = Fixture::until_end(socket);
    BOOST_TEST(answer.rfind("HTTP/1.1 101 ", 0) == 0U);
    BOOST_TEST(answer.substr(answer.find("\r\n\r\n") + 4) == "early=EARLY");

    Client client(f.path);
    auto upgraded = client.upgrade("/upgrade", "x/1", soon());
    BOOST_REQUIRE(std::holds_alternative<Upgraded>(upgraded));
    auto refused = client.upgrade("/busy-upgrade", "x/1", soon());
    BOOST_REQUIRE(std::holds_alternative<ClientResponse>(refused));
    BOOST_TEST(std::get<ClientResponse>(refused).status == 423);
    BOOST_TEST(std::get<ClientResponse>(refused).body == "busy");
}

BOOST_AUTO_TEST_CASE(one_connection_too_many_gets_503) {
    Limits limits;
    limits.connections = 3;
    Fixture f(limits);
    std::vector<posix::Fd> held;
    for (int i = 0; i < 3; ++i) {
        held.push_back(f.connect());
    }
    BOOST_TEST(Fixture::status_of(f.raw("GET /a HTTP/1.1\r\n\r\n")) == 503);
    held.clear();
    Client client(f.path);
    for (;;) { // until the three threads have seen the end
        if (client.send({"GET", "/a", ""}, soon()).status == 200) {
            break;
        }
    }
}

BOOST_AUTO_TEST_CASE(stop_ends_idle_connections_and_lets_answers_out) {
    Fixture f;
    const posix::Fd idle = f.connect();
    const posix::Fd busy = f.connect();
    posix::write_all(busy.get(), "GET /wait HTTP/1.1\r\n\r\n", soon(), "test");
    f.handler.waiting.wait(0);
    std::thread stopper([&] { f.server.stop(soon()); });
    BOOST_TEST(Fixture::until_end(idle).empty());
    f.handler.release();
    BOOST_TEST(Fixture::until_end(busy).rfind("HTTP/1.1 200", 0) == 0U);
    stopper.join();
    BOOST_TEST(f.server.connections() == 0U);
    f.server.stop(soon());
}

BOOST_AUTO_TEST_CASE(a_peer_that_does_not_read_is_left_at_the_deadline) {
    Limits limits = quick_limits();
    limits.head_time = limits.body_time = milliseconds(60'000); // a busy machine takes its time
    Fixture f(limits);
    f.handler.body_limit = 8 << 20;
    const posix::Fd socket = f.connect();
    const std::string body(4 << 20, 'x');
    posix::write_all(socket.get(),
                     "POST /a HTTP/1.1\r\nContent-Length: " + std::to_string(body.size()) +
                         "\r\n\r\n" + body,
                     soon(), "test");
    while (f.server.connections() != 0) {
        std::this_thread::yield();
    }
    BOOST_TEST(f.handler.handled == 1);
}

BOOST_AUTO_TEST_CASE(running_out_of_descriptors_is_survived) {
    Fixture f;
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    const posix::Fd second{
        posix::check(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")};
    // The lowest free number is the one that accept would use next: it is made the limit.
    posix::Fd probe = second.duplicate();
    const rlimit low{static_cast<rlim_t>(probe.get()), before.rlim_max};
    probe.reset();
    ::setrlimit(RLIMIT_NOFILE, &low);
    connect_to(second, f.path);
    const std::string answer = Fixture::until_end(second);
    ::setrlimit(RLIMIT_NOFILE, &before);
    BOOST_TEST(Fixture::status_of(answer) == 503);
    Client again(f.path);
    BOOST_TEST(again.send({"GET", "/a", ""}, soon()).status == 200);
}
