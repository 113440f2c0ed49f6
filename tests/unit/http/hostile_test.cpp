// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/http/fixture.hpp"

#include <boost/test/unit_test.hpp>
#include <vector>

using namespace mshv;
using namespace mshv::http;
using namespace mshv::http::test;

BOOST_AUTO_TEST_CASE(malformed_requests_get_one_error_and_the_end) {
    Fixture f(quick_limits());
    struct Case {
        std::string bytes;
        int status;
    };
    const std::string smuggled = "GET /smuggled HTTP/1.1\r\n\r\n";
    const std::vector<Case> cases{
        {"GET / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" +
             smuggled,
         400},
        {"GET /a HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" +
             smuggled,
         400},
        {"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\n\r\n", 411},
        {"POST /a HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx" + smuggled, 400},
        {"POST /a HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx" + smuggled, 400},
        {"POST /a HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\nx" + smuggled, 400},
        {"POST /a HTTP/1.1\r\nContent-Length: -1\r\n\r\n" + smuggled, 400},
        {"POST /a HTTP/1.1\r\nContent-Length: +1\r\n\r\nx" + smuggled, 400},
        {"POST /a HTTP/1.1\r\nContent-Length: 0x1\r\n\r\nx" + smuggled, 400},
        {"POST /a HTTP/1.1\r\nContent-Length:\r\n\r\n" + smuggled, 400},
        {"POST /a HTTP/1.1\r\nContent-Length: 18446744073709551616\r\n\r\n" + smuggled, 400},
        {"POST /a HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\n", 413},
        {"POST /a HTTP/1.1\r\nContent-Length: 1001\r\n\r\n", 413},
        {"POST /a HTTP/1.1\r\nContent-Length : 1\r\n\r\nx" + smuggled, 400},
        {"GET /a HTTP/1.1\r\nA: b\r\n c\r\n\r\n", 400},
        {"GET /a HTTP/1.1\nA: b\n\n", 400},
        {"GET /a HTTP/1.1\r\nA: b\n\r\n", 400},
        {std::string("GET /a HTTP/1.1\r\nA: b\0c\r\n\r\n", 27), 400},
        {std::string("GET /a\0 HTTP/1.1\r\n\r\n", 20), 400},
        {"GET /a%00 HTTP/1.1\r\n\r\n", 400},
        {"GET /a%2e%2e%2f HTTP/1.1\r\nx\r\n\r\n", 400},
        {"GET //a HTTP/1.1\r\n\r\n", 400},
        {"GET http://h/a HTTP/1.1\r\n\r\n", 400},
        {"CONNECT h:1 HTTP/1.1\r\n\r\n", 400},
        {"GET /a HTTP/9.9\r\n\r\n", 400},
        {"GET /a\r\n\r\n", 400},
        {"\r\n\r\n", 400},
        {"\x16\x03\x01\x02\n", 400},
        {"GET /a HTTP/1.1\r\nExpect: magic\r\n\r\n", 417},
        {"GET /a HTTP/1.1\r\nA: " + std::string(9000, 'x') + "\r\n\r\n", 431},
        {"GET /" + std::string(100'000, 'a') + " HTTP/1.1\r\n\r\n", 431},
    };
    for (const auto& one : cases) {
        BOOST_TEST(Fixture::status_of(f.raw(one.bytes)) == one.status, one.bytes.substr(0, 80));
    }
    BOOST_TEST(f.handler.handled == 0);
    Client client(f.path);
    BOOST_TEST(client.send({"GET", "/a", ""}, soon()).status == 200);
}

BOOST_AUTO_TEST_CASE(a_hundred_thousand_headers) {
    Fixture f(quick_limits());
    std::string bytes = "GET /a HTTP/1.1\r\n";
    for (int i = 0; i < 100'000; ++i) {
        bytes += "A: b\r\n";
    }
    BOOST_TEST(Fixture::status_of(f.raw(bytes + "\r\n")) == 431);
    BOOST_TEST(f.handler.handled == 0);
}

BOOST_AUTO_TEST_CASE(half_a_head_is_dropped_at_its_deadline) {
    Fixture f(quick_limits());
    BOOST_TEST(Fixture::status_of(f.raw("GET /a HTTP/1.1\r\nHos")) == 408);
    BOOST_TEST(Fixture::status_of(f.raw("GET /a HTTP/1.1\r\nHos", true)) == 400);
    BOOST_TEST(f.raw("").empty()); // never asked: nothing to answer
}

BOOST_AUTO_TEST_CASE(half_a_body_is_dropped_at_its_deadline) {
    Fixture f(quick_limits());
    BOOST_TEST(Fixture::status_of(f.raw("POST /a HTTP/1.1\r\nContent-Length: 9\r\n\r\n123")) ==
               408);
    BOOST_TEST(
        Fixture::status_of(f.raw("POST /a HTTP/1.1\r\nContent-Length: 9\r\n\r\n123", true)) == 400);
    BOOST_TEST(f.handler.handled == 0);
}

/// The deadline is the whole head's: a byte now and then does not move it.
BOOST_AUTO_TEST_CASE(slow_loris) {
    Fixture f(quick_limits());
    const posix::Fd socket = f.connect();
    const auto begin = Deadline::Clock::now();
    std::string answer;
    std::array<char, 1024> block{};
    try {
        posix::write_all(socket.get(), "GET /a HTTP/1.1\r\nA: ", soon(), "test");
        for (;;) {
            posix::write_all(socket.get(), "x", soon(), "test");
            try {
                const auto got = posix::read_some(socket.get(), block,
                                                  Deadline::after(milliseconds(10)), "test");
                answer.append(block.data(), got);
                break;
            } catch (const posix::TimedOut&) {
            }
        }
    } catch (const std::system_error&) {
    }
    BOOST_TEST(Fixture::status_of(answer) == 408);
    BOOST_TEST((Deadline::Clock::now() - begin < milliseconds(5'000)));
}

BOOST_AUTO_TEST_CASE(pipelined_requests_are_answered_in_order) {
    Fixture f(quick_limits());
    constexpr int many = 10'000;
    const posix::Fd socket = f.connect();
    std::thread writer([&] {
        for (int i = 0; i < many; ++i) {
            const bool last = i + 1 == many;
            posix::write_all(socket.get(),
                             "GET /n" + std::to_string(i) + " HTTP/1.1\r\n" +
                                 (last ? "Connection: close\r\n\r\n" : "\r\n"),
                             soon(), "test");
        }
    });
    const std::string answers = Fixture::until_end(socket);
    writer.join();
    std::size_t at = 0;
    for (int i = 0; i < many; ++i) {
        at = answers.find("GET /n" + std::to_string(i) + " []", at);
        BOOST_REQUIRE(at != std::string::npos);
    }
    BOOST_TEST(f.handler.handled == many);
}

BOOST_AUTO_TEST_CASE(expect_continue) {
    Fixture f;
    const posix::Fd socket = f.connect();
    posix::write_all(socket.get(),
                     "POST /a HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n"
                     "Connection: close\r\n\r\n",
                     soon(), "test");
    std::array<char, 64> block{};
    const auto got = posix::read_some(socket.get(), block, soon(), "test");
    BOOST_TEST(std::string_view(block.data(), got) == "HTTP/1.1 100 Continue\r\n\r\n");
    posix::write_all(socket.get(), "hi", soon(), "test");
    BOOST_TEST(Fixture::until_end(socket).find("POST /a [hi]") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(head_has_no_body) {
    Fixture f;
    const std::string answer = f.raw("HEAD /a HTTP/1.1\r\nConnection: close\r\n\r\n");
    BOOST_TEST(answer.substr(answer.find("\r\n\r\n")) == "\r\n\r\n");
}
