// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/http/fixture.hpp"

#include <boost/test/unit_test.hpp>
#include <memory>
#include <poll.h>
#include <vector>

using namespace mshv;
using namespace mshv::http;
using namespace mshv::http::test;

namespace {

/// A server that says what the test wants, one connection after another.
class Scripted {
public:
    explicit Scripted(const std::vector<std::string>& answers)
        : listener_(posix::listen_unix(path_, 0600)), thread_([this, answers] { run(answers); }) {}
    ~Scripted() { thread_.join(); }
    Scripted(const Scripted&) = delete;
    Scripted& operator=(const Scripted&) = delete;
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    void run(const std::vector<std::string>& answers) {
        for (const auto& answer : answers) {
            posix::wait_for(listener_.get(), POLLIN, soon(), "test");
            const posix::Fd socket = posix::accept_unix(listener_.get());
            std::array<char, 4096> block{};
            posix::read_some(socket.get(), block, soon(), "test");
            posix::write_all(socket.get(), answer, soon(), "test");
        }
    }

    TemporaryFolder folder_;
    std::string path_ = folder_.path() + "/s";
    posix::Fd listener_;
    std::thread thread_;
};

} // namespace

BOOST_AUTO_TEST_CASE(nobody_listens) {
    Client client("/nonexistent/socket");
    BOOST_CHECK_EXCEPTION(
        client.send({"GET", "/", ""}, soon()), Unreachable,
        [](const Unreachable& e) { return e.hint() == "is mshvd running?" && !e.sent(); });
}

BOOST_AUTO_TEST_CASE(a_get_is_sent_again_on_a_new_connection) {
    auto first = std::make_unique<Fixture>();
    const std::string path = first->path;
    Client client(path);
    BOOST_TEST(client.send({"GET", "/a", ""}, soon()).status == 200);
    first->server.stop(soon());
    // The same path, another daemon: it is back before the client asks again.
    Echo handler;
    Server second(posix::listen_unix(path, 0600), handler);
    BOOST_TEST(client.send({"GET", "/b", ""}, soon()).body == "GET /b []");
    BOOST_TEST(client.send({"POST", "/c", ""}, soon()).body == "POST /c []");
}

BOOST_AUTO_TEST_CASE(an_answer_that_breaks_off_is_unreachable_and_sent) {
    for (const char* answer :
         {"", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"}) {
        const Scripted server({answer});
        Client client(server.path());
        BOOST_CHECK_EXCEPTION(client.send({"POST", "/a", "{}"}, soon()), Unreachable,
                              [](const Unreachable& e) { return e.sent(); });
    }
}

BOOST_AUTO_TEST_CASE(an_answer_before_the_request_was_read_counts) {
    const TemporaryFolder folder;
    const std::string path = folder.path() + "/s";
    const posix::Fd listener = posix::listen_unix(path, 0600);
    std::thread busy([&] {
        posix::wait_for(listener.get(), POLLIN, soon(), "test");
        const posix::Fd socket = posix::accept_unix(listener.get());
        posix::write_all(socket.get(),
                         "HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
                         soon(), "test");
    });
    Client client(path);
    // More than the socket holds, so that the end comes while the client still writes.
    const std::string body(4U << 20U, ' ');
    BOOST_TEST(client.send({"POST", "/", body}, soon()).status == 503);
    busy.join();
}

BOOST_AUTO_TEST_CASE(what_is_no_http_is_said_to_be_none) {
    for (const char* answer :
         {"hello\r\n\r\n", "SSH-2.0\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n"}) {
        const Scripted server({answer});
        Client client(server.path());
        BOOST_CHECK_THROW(client.send({"GET", "/a", ""}, soon()), BadMessage);
    }
}

BOOST_AUTO_TEST_CASE(a_silent_server_is_left_at_the_deadline) {
    TemporaryFolder folder;
    const posix::Fd listener = posix::listen_unix(folder.path() + "/s", 0600);
    Client client(folder.path() + "/s");
    BOOST_CHECK_THROW(client.send({"GET", "/a", ""}, Deadline::after(milliseconds(30))),
                      posix::TimedOut);
}

BOOST_AUTO_TEST_CASE(connection_close_is_honoured) {
    const Scripted server({"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\na",
                           "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb"});
    Client client(server.path());
    BOOST_TEST(client.send({"GET", "/", ""}, soon()).body == "a");
    BOOST_TEST(client.send({"POST", "/", ""}, soon()).body == "b");
}
