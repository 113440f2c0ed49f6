// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/console/session.hpp"

#include "toolstack/libs/posix/file.hpp"
#include "toolstack/libs/posix/socket.hpp"

#include <array>
#include <boost/test/unit_test.hpp>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/socket.h>
#include <termios.h>
#include <thread>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;
using namespace mshv;
using namespace mshv::ctl;
using console::FrameType;
using posix::Deadline;

Deadline soon() {
    return Deadline::after(10s);
}

std::string u64(std::uint64_t value) {
    const auto bytes = console::encode_u64(value);
    return {bytes.data(), bytes.size()};
}

/// A session whose input is a pty or a pipe, whose output is a pipe, and whose keeper is the test.
class Fixture {
public:
    Fixture() {
        std::array<int, 2> ends{};
        posix::check(::pipe2(ends.data(), O_CLOEXEC), "pipe");
        output_reader_ = posix::Fd{ends[0]};
        output_writer_ = posix::Fd{ends[1]};
        posix::check(::pipe2(ends.data(), O_CLOEXEC), "pipe");
        typing_ = posix::Fd{ends[1]};
        input_ = posix::Fd{ends[0]};
        setup_.input = input_.get();
        setup_.output = output_writer_.get();
        setup_.name = "web1";
        setup_.say = [this](std::string_view text) { said_ += std::string(text) + "\n"; };
    }
    ~Fixture() {
        if (thread_.joinable()) {
            thread_.join();
        }
    }
    Fixture(const Fixture&) = delete;
    Fixture& operator=(const Fixture&) = delete;

    /// Input from a terminal, and messages as for a terminal.
    void use_terminal() {
        int master = -1;
        int slave = -1;
        posix::check(::openpty(&master, &slave, nullptr, nullptr, nullptr), "openpty");
        typing_ = posix::Fd{master};
        input_ = posix::Fd{slave};
        setup_.input = input_.get();
        setup_.input_terminal = true;
        setup_.output_terminal = true;
    }

    void start(Deadline deadline = soon()) {
        if (!session_) {
            session_.emplace(setup_);
        }
        auto [mine, its] = posix::socket_pair(SOCK_STREAM);
        keeper_ = std::move(mine);
        thread_ = std::thread([this, deadline, socket = std::move(its)]() mutable {
            const SignalBlock signals;
            const RawTerminal raw(setup_.input_terminal ? setup_.input : -1);
            end_ = session_->run(std::move(socket), "", deadline, raw);
        });
    }
    SessionEnd join() {
        thread_.join();
        return end_;
    }

    void send(FrameType type, std::string_view payload) const {
        send(console::encode_frame(type, payload));
    }
    void send(std::string_view bytes) const {
        posix::write_all(keeper_.get(), bytes, soon(), "keeper");
    }
    void type(std::string_view keys) const {
        posix::write_all(typing_.get(), keys, soon(), "input");
    }

    /// Exactly `size` bytes of what the session has printed.
    [[nodiscard]] std::string printed(std::size_t size) const { return read(output_reader_, size); }

    struct Frame {
        FrameType type{};
        std::string payload;
    };
    [[nodiscard]] Frame received() const {
        const auto header = console::decode_header(read(keeper_, console::header_size));
        BOOST_REQUIRE(header.has_value());
        return {header->type, read(keeper_, header->length)};
    }

    SessionSetup setup_;
    std::optional<Session> session_;
    posix::Fd keeper_, typing_, input_, output_reader_, output_writer_;
    std::string said_;

private:
    static std::string read(const posix::Fd& fd, std::size_t size) {
        std::string bytes(size, '\0');
        std::size_t done = 0;
        while (done < size) {
            const auto got = posix::read_some(fd.get(), {bytes.data() + done, size - done}, soon(),
                                              "what the session writes");
            BOOST_REQUIRE(got > 0);
            done += got;
        }
        return bytes;
    }

    std::thread thread_;
    SessionEnd end_{};
};

BOOST_FIXTURE_TEST_SUITE(console_session, Fixture)

BOOST_AUTO_TEST_CASE(bytes_go_both_ways) {
    start();
    send(FrameType::replay_begin, u64(100));
    send(FrameType::data, "hello");
    send(FrameType::replay_end, "");
    BOOST_TEST(printed(5) == "hello");
    type("ls\n");
    const auto frame = received();
    BOOST_CHECK(frame.type == FrameType::data);
    BOOST_TEST(frame.payload == "ls\n");
    send(FrameType::data, std::string("\0\xff\x1d", 3));
    BOOST_TEST(printed(3) == std::string("\0\xff\x1d", 3));
    send(FrameType::exit, "guest-poweroff");
    BOOST_CHECK(join() == SessionEnd::ended);
    BOOST_TEST(session_->exit_reason() == "guest-poweroff");
    BOOST_TEST(session_->offset().value() == 108U);
}

BOOST_AUTO_TEST_CASE(frames_may_come_in_any_pieces) {
    start();
    std::string bytes = console::encode_frame(FrameType::replay_begin, u64(0)) +
                        console::encode_frame(FrameType::data, "abc") +
                        console::encode_frame(FrameType::data, "") +
                        console::encode_frame(FrameType::exit, "destroyed");
    for (const char c : bytes) {
        send(std::string_view(&c, 1));
    }
    BOOST_CHECK(join() == SessionEnd::ended);
    BOOST_TEST(printed(3) == "abc");
}

BOOST_AUTO_TEST_CASE(what_was_received_before_the_end_is_printed) {
    start();
    const std::string much(48 * 1024, 'x');
    send(FrameType::data, much);
    send(FrameType::exit, "destroyed");
    BOOST_TEST(printed(much.size()) == much);
    BOOST_CHECK(join() == SessionEnd::ended);
}

BOOST_AUTO_TEST_CASE(nonsense_and_a_broken_connection_are_a_loss) {
    start();
    send("GET / HTTP/1.1\r\n");
    BOOST_CHECK(join() == SessionEnd::lost);
    start();
    send(FrameType::replay_begin, u64(7));
    send(FrameType::data, "ab");
    BOOST_TEST(printed(2) == "ab");
    keeper_.reset();
    BOOST_CHECK(join() == SessionEnd::lost);
    BOOST_TEST(session_->offset().value() == 9U);
    start();
    send(FrameType::data, "cd");
    BOOST_TEST(printed(2) == "cd");
    keeper_.reset();
    BOOST_CHECK(join() == SessionEnd::lost);
    BOOST_TEST(session_->offset().value() == 11U);
}

BOOST_AUTO_TEST_CASE(input_that_ends_leaves_the_output_running) {
    start();
    type("last words");
    typing_.reset();
    BOOST_TEST(received().payload == "last words");
    send(FrameType::data, "answer");
    BOOST_TEST(printed(6) == "answer");
    send(FrameType::exit, "destroyed");
    BOOST_CHECK(join() == SessionEnd::ended);
}

BOOST_AUTO_TEST_CASE(no_escape_is_looked_for_in_a_pipe) {
    start();
    type("\x1d");
    BOOST_TEST(received().payload == "\x1d");
    send(FrameType::exit, "destroyed");
    BOOST_CHECK(join() == SessionEnd::ended);
}

BOOST_AUTO_TEST_CASE(the_escape_key_detaches_and_the_terminal_is_as_before) {
    use_terminal();
    termios before{};
    BOOST_REQUIRE(::tcgetattr(input_.get(), &before) == 0);
    start();
    send(FrameType::state, "2 running");
    type("x"); // raw mode: it comes without a newline
    BOOST_TEST(received().payload == "x");
    termios during{};
    BOOST_REQUIRE(::tcgetattr(input_.get(), &during) == 0);
    BOOST_TEST((during.c_lflag & (ICANON | ECHO | ISIG)) == 0U);
    ::poll(nullptr, 0, 60); // paces: a key stands alone only after a pause, which is what is tested
    type("\x1d");
    const auto frame = received();
    BOOST_CHECK(frame.type == FrameType::detach);
    BOOST_CHECK(join() == SessionEnd::detached);
    termios after{};
    BOOST_REQUIRE(::tcgetattr(input_.get(), &after) == 0);
    BOOST_TEST(after.c_lflag == before.c_lflag);
    BOOST_TEST(after.c_iflag == before.c_iflag);
    BOOST_TEST(after.c_oflag == before.c_oflag);
    BOOST_TEST(said_.find("Connected to web1 (running, generation 2); Ctrl-] detaches") !=
               std::string::npos);
}

BOOST_AUTO_TEST_CASE(guest_output_is_filtered_for_a_terminal) {
    use_terminal();
    start();
    send(FrameType::data, "a\x1b]52;c;QUJD\a\x1b[1mb");
    BOOST_TEST(printed(6) == "a\x1b[1mb");
    send(FrameType::notice, "web1\x1b[2J");
    send(FrameType::exit, "destroyed");
    BOOST_CHECK(join() == SessionEnd::ended);
    BOOST_TEST(said_.find('\x1b') == std::string::npos);
}

BOOST_AUTO_TEST_CASE(who_only_reads_types_nothing_and_may_leave_by_ctrl_c) {
    use_terminal();
    setup_.read_only = true;
    start();
    send(FrameType::data, "a");
    BOOST_TEST(printed(1) == "a");
    type("rm -rf /\r");
    ::poll(nullptr, 0, 60); // paces: the next key shall stand alone
    type("\x03");
    BOOST_CHECK(received().type == FrameType::detach);
    BOOST_CHECK(join() == SessionEnd::detached);
}

BOOST_AUTO_TEST_CASE(somebody_else_takes_the_keyboard) {
    use_terminal();
    start();
    send(FrameType::writer, "1");
    send(FrameType::writer, "0");
    send(FrameType::data, "a");
    BOOST_TEST(printed(1) == "a");
    type("not for the guest");
    ::poll(nullptr, 0, 60); // paces: the next key shall stand alone
    type("\x1d");
    BOOST_CHECK(received().type == FrameType::detach);
    BOOST_CHECK(join() == SessionEnd::detached);
    BOOST_TEST(!session_->writer());
    BOOST_TEST(said_.find("somebody else types now") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(time_runs_out) {
    start(Deadline::after(30ms));
    BOOST_CHECK(join() == SessionEnd::timed_out);
}

BOOST_AUTO_TEST_CASE(a_closed_output_ends_the_session) {
    start();
    output_reader_.reset();
    send(FrameType::data, "nobody reads this");
    BOOST_CHECK(join() == SessionEnd::output_gone);
}

BOOST_AUTO_TEST_CASE(the_log_is_joined_to_the_replay) {
    session_.emplace(setup_);
    session_->on_replay = [](const std::string& replayed) { return "log:" + replayed; };
    start();
    send(FrameType::replay_begin, u64(0));
    send(FrameType::data, "[mshv: 50 bytes skipped]");
    send(FrameType::offset, u64(50));
    send(FrameType::data, "in the ring");
    send(FrameType::replay_end, "");
    send(FrameType::data, ", live");
    BOOST_TEST(printed(21) == "log:in the ring, live");
    send(FrameType::exit, "destroyed");
    BOOST_CHECK(join() == SessionEnd::ended);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
