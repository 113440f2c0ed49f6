// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/mshvctl/harness.hpp"
#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/console/frames.hpp"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <poll.h>

namespace {

using namespace std::chrono_literals;
using namespace mshv;
using console::FrameType;
using test::ProgramFixture;
using test::TerminalRun;

constexpr auto console_path = "GET /v1/partitions/web1/console";

void send(const posix::Fd& socket, FrameType type, std::string_view payload) {
    posix::write_all(socket.get(), console::encode_frame(type, payload), posix::Deadline::after(5s),
                     "client");
}

void send_offset(const posix::Fd& socket, FrameType type, std::uint64_t offset) {
    const auto bytes = console::encode_u64(offset);
    send(socket, type, {bytes.data(), bytes.size()});
}

/// Reads whatever comes until the client hangs up.
std::string read_to_end(const posix::Fd& socket) {
    std::string all;
    std::array<char, 4096> block{};
    try {
        while (const auto got =
                   posix::read_some(socket.get(), block, posix::Deadline::after(10s), "client")) {
            all.append(block.data(), got);
        }
    } catch (const std::system_error&) {
        return all; // reset: it has hung up
    }
    return all;
}

BOOST_FIXTURE_TEST_SUITE(console_program, ProgramFixture)

BOOST_AUTO_TEST_CASE(a_person_attaches_types_and_detaches) {
    std::string typed;
    daemon.on_upgrade(console_path, [&](posix::Fd socket) {
        send(socket, FrameType::state, "1 running");
        send_offset(socket, FrameType::replay_begin, 0);
        send(socket, FrameType::data, "login: ");
        send(socket, FrameType::replay_end, "");
        typed = read_to_end(socket);
    });
    TerminalRun run(*this, {"console", "web1"});
    run.expect("Ctrl-] detaches");
    run.expect("login: ");
    run.type("root\r");
    ::poll(nullptr, 0, 100); // paces: the escape key stands alone only after a pause
    run.type("\x1d");
    BOOST_TEST(run.finish() == 0);
    daemon.stop();
    BOOST_TEST(typed == console::encode_frame(FrameType::data, "root\r") +
                            console::encode_frame(FrameType::detach, ""));
}

BOOST_AUTO_TEST_CASE(a_broken_session_goes_on_where_it_was) {
    std::atomic<int> sessions{0};
    daemon.on_upgrade(console_path, [&](posix::Fd socket) {
        if (++sessions == 1) {
            send_offset(socket, FrameType::replay_begin, 1000);
            send(socket, FrameType::data, "first,");
            return; // hangs up
        }
        send_offset(socket, FrameType::replay_begin, 1006);
        send(socket, FrameType::data, "second");
        send(socket, FrameType::exit, "guest-poweroff");
    });
    const auto result = run({"console", "--no-input", "web1"});
    BOOST_TEST(result.status == 0);
    BOOST_TEST(result.out == "first,second");
    BOOST_TEST(result.err.empty());
    const auto requests = daemon.requests();
    BOOST_REQUIRE(requests.size() == 2U);
    BOOST_TEST(requests[0] == std::string(console_path) + "?mode=ro&replay=16384");
    BOOST_TEST(requests[1] == std::string(console_path) + "?mode=ro&since=1006");
}

BOOST_AUTO_TEST_CASE(a_console_that_cannot_be_mended_has_ended) {
    daemon.on_upgrade(console_path, [&](posix::Fd socket) {
        send_offset(socket, FrameType::replay_begin, 0);
        send(socket, FrameType::data, "last words");
        daemon.forget_upgrade(console_path); // from now on there is no such partition
    });
    const auto result = run({"console", "--no-input", "web1"});
    BOOST_TEST(result.status == 0);
    BOOST_TEST(result.out == "last words");
}

BOOST_AUTO_TEST_CASE(a_person_sees_progress_and_may_stop_waiting) {
    daemon.on("GET /v1/partitions/web1/wait", 504,
              api::encode_error(api::Error(api::ErrorCode::timeout, "still running")));
    daemon.on("GET /v1/partitions/web1", 200, test::partition_json(1, "web1", "stopping"));
    TerminalRun run(*this, {"wait", "web1"});
    run.expect("waiting for web1: stopping, 0 s (Ctrl-C stops waiting)");
    run.signal(SIGINT);
    run.expect("mshvctl: no longer waiting for web1");
    BOOST_TEST(run.finish() == 14);
}

BOOST_AUTO_TEST_CASE(a_person_may_shorten_a_verb) {
    daemon.on("GET /v1/partitions/web1", 200, test::partition_json(7, "web1", "running"));
    TerminalRun run(*this, {"domi", "web1"});
    run.expect("7\r\n");
    BOOST_TEST(run.finish() == 0);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
