// SPDX-License-Identifier: Apache-2.0
//
// The console: every byte, in order, for every reader, whatever happens to the daemon.
#include "tests/e2e/lib/host.hpp"
#include "toolstack/libs/console/frames.hpp"
#include "toolstack/libs/posix/socket.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <cstdio>

using namespace mshv::e2e;
namespace console = mshv::console;
namespace posix = mshv::posix;

namespace {

/// The numbered lines that tests/guest's count:N prints.
std::string counted(long last) {
    std::string text;
    char line[32];
    for (long number = 1; number <= last; ++number) {
        std::snprintf(line, sizeof line, "N%09ld\r\n", number);
        text += line;
    }
    return text;
}

/// From the first numbered line on.
std::string numbers_of(const std::string& output) {
    const auto begin = output.find("N000000001");
    const auto end = output.find("MSHV-GUEST-COUNTED");
    return begin == std::string::npos ? "" : output.substr(begin, end - begin);
}

/// Like numbers_of for programs whose standard output is no terminal and that print as they read.
void check_counted(const std::string& output, long last) {
    const auto numbers = numbers_of(output);
    const auto wanted = counted(last);
    BOOST_CHECK_EQUAL(numbers.size(), wanted.size());
    BOOST_CHECK_MESSAGE(numbers == wanted, "the stream differs");
}

/// A console session spoken frame by frame, on a socket that the daemon handed to the keeper.
class Session {
public:
    Session(Host& host, const std::string& name, const std::string& query)
        : socket_(posix::connect_unix(host.socket(), soon())) {
        posix::write_all(socket_.get(),
                         "GET /v1/partitions/" + name + "/console?" + query +
                             " HTTP/1.1\r\nHost: mshv\r\nConnection: Upgrade\r\n"
                             "Upgrade: mshv-console/1\r\n\r\n",
                         soon(), "ask for the console");
        head_ = read_head(socket_.get(), soon());
    }

    [[nodiscard]] int status() const { return std::atoi(head_.c_str() + 9); }
    [[nodiscard]] const std::string& data() const { return data_; }
    [[nodiscard]] bool writer() const { return writer_; }
    [[nodiscard]] bool ended() const { return ended_; }
    [[nodiscard]] const std::string& notices() const { return notices_; }

    void type(std::string_view text) {
        posix::write_all(socket_.get(), console::encode_frame(console::FrameType::data, text),
                         soon(), "type");
    }

    template <typename Until>
    void read_until(Until until) {
        const auto deadline = guest_time();
        while (!until()) {
            read_frame(deadline);
        }
    }
    void read_until_data(const std::string& text) {
        read_until([&] { return contains(data_, text); });
    }

private:
    std::string read_exactly(std::size_t size, Deadline deadline) {
        std::string text(size, '\0');
        for (std::size_t done = 0; done < size;) {
            const auto n = posix::read_some(socket_.get(), {text.data() + done, size - done},
                                            deadline, "a frame of the console");
            if (n == 0) {
                throw std::runtime_error("the session ended; data so far: " + data_);
            }
            done += n;
        }
        return text;
    }

    void read_frame(Deadline deadline) {
        const auto header = console::decode_header(read_exactly(console::header_size, deadline));
        BOOST_REQUIRE(header);
        const auto payload = read_exactly(header->length, deadline);
        switch (header->type) {
        case console::FrameType::data:
            data_ += payload;
            break;
        case console::FrameType::writer:
            writer_ = payload == "1";
            break;
        case console::FrameType::notice:
            notices_ += payload + "\n";
            break;
        case console::FrameType::exit:
            ended_ = true;
            break;
        default:
            break;
        }
    }

    posix::Fd socket_;
    std::string head_;
    std::string data_;
    std::string notices_;
    bool writer_ = false;
    bool ended_ = false;
};

} // namespace

BOOST_AUTO_TEST_CASE(a_shell_answers) {
    Host host;
    host.create({.name = "s", .verbose_kernel = true});
    auto shell = host.session({"console", "--replay", "all", "s"});
    shell.wait_for("MSHV-GUEST-READY", guest_time());
    BOOST_TEST(contains(shell.output(), "Linux version")); // the kernel's log, from its first line
    shell.write("echo sum-$((6*7))\n");
    shell.wait_for("sum-42", guest_time());
}

BOOST_AUTO_TEST_CASE(create_attaches_from_the_first_byte) {
    Host host;
    const auto file =
        host.write_file("c.xml", GuestXml{.name = "c", .steps = "count:200,poweroff"}.text());
    auto create = host.session({"create", "-c", file});
    const auto outcome = create.finish(guest_time()); // ends with the partition
    BOOST_TEST(contains(outcome.out, "MSHV-GUEST-HELLO"));
    check_counted(outcome.out, 200);
}

BOOST_AUTO_TEST_CASE(no_byte_is_lost_over_a_kill_of_the_daemon) {
    Host host;
    constexpr long last = 20'000; // 220 KB, two seconds of a serial line
    host.create({.name = "n", .steps = "line,count:" + std::to_string(last)});
    host.wait_console("n", "MSHV-GUEST-WAITS");
    Session before(host, "n", "mode=rw");
    BOOST_REQUIRE_EQUAL(before.status(), 101);
    auto client = host.session({"console", "--no-input", "--replay", "all", "n"});
    client.wait_for("MSHV-GUEST-WAITS", soon());
    before.type("go\n");
    before.read_until_data("N000001000");
    host.kill_daemon(); // in the middle of the stream
    before.read_until_data("N000005000");
    BOOST_REQUIRE(host.start_daemon());
    before.read_until_data("MSHV-GUEST-COUNTED");
    check_counted(before.data(), last);
    client.wait_for("MSHV-GUEST-COUNTED", guest_time());
    check_counted(client.output(), last);
    // The log on disk has them, too; and so has a reader that comes late, as far as the ring goes.
    check_counted(host.ok({"console", "--log", "n"}), last);
    Session late(host, "n", "mode=ro");
    late.read_until_data("MSHV-GUEST-COUNTED");
    BOOST_TEST(contains(before.data(), late.data().substr(0, late.data().find("MSHV-GUEST-C"))));
}

BOOST_AUTO_TEST_CASE(bytes_printed_while_no_daemon_runs_are_there_afterwards) {
    Host host;
    host.create({.name = "n", .steps = "line,count:3000"});
    host.wait_console("n", "MSHV-GUEST-WAITS");
    Session session(host, "n", "mode=rw");
    host.kill_daemon();
    session.type("go\n");
    session.read_until_data("MSHV-GUEST-COUNTED");
    BOOST_REQUIRE(host.start_daemon());
    check_counted(host.wait_console("n", "MSHV-GUEST-COUNTED"), 3000);
}

BOOST_AUTO_TEST_CASE(a_late_reader_sees_the_past_and_two_readers_see_the_same) {
    Host host;
    host.create({.name = "n", .steps = "count:500"});
    host.wait_console("n", "MSHV-GUEST-COUNTED"); // long before the two attach
    Session one(host, "n", "mode=ro");
    Session two(host, "n", "mode=ro");
    one.read_until_data("MSHV-GUEST#");
    two.read_until_data("MSHV-GUEST#");
    check_counted(one.data(), 500);
    Session writer(host, "n", "mode=rw&replay=0");
    writer.type("echo both-$((1+1))\n");
    one.read_until_data("both-2");
    two.read_until_data("both-2");
    // Both began with the same byte, so what the one has read the other has or will have.
    const auto common = std::min(one.data().size(), two.data().size());
    BOOST_TEST(one.data().substr(0, common) == two.data().substr(0, common));
}

BOOST_AUTO_TEST_CASE(a_session_goes_on_where_it_stopped) {
    Host host;
    host.create({.name = "n", .steps = "count:100"});
    host.wait_console("n", "MSHV-GUEST-COUNTED");
    Session whole(host, "n", "mode=ro");
    whole.read_until_data("MSHV-GUEST-COUNTED");
    Session rest(host, "n", "mode=ro&since=100");
    rest.read_until_data("MSHV-GUEST-COUNTED");
    const auto common = std::min(whole.data().size() - 100, rest.data().size());
    BOOST_TEST(whole.data().substr(100, common) == rest.data().substr(0, common));
}

BOOST_AUTO_TEST_CASE(one_writes_and_can_be_robbed) {
    Host host;
    host.create({.name = "w"});
    host.wait_console("w", "MSHV-GUEST-READY");
    Session first(host, "w", "mode=rw");
    first.read_until([&] { return first.writer(); });
    Session refused(host, "w", "mode=rw");
    BOOST_TEST(refused.status() != 101); // the second one is told who holds it
    BOOST_TEST(host.ctl({"console", "w"}, "x\n").status == 8);
    Session thief(host, "w", "mode=rw&steal=1&replay=0");
    BOOST_REQUIRE_EQUAL(thief.status(), 101);
    first.read_until([&] { return !first.writer(); });
    thief.type("echo stolen-$((2+2))\n");
    first.read_until_data("stolen-4"); // still reads
}

BOOST_AUTO_TEST_CASE(the_session_ends_with_the_partition_and_not_with_a_reboot) {
    Host host;
    host.create({.name = "e", .steps = "line"});
    Session session(host, "e", "mode=rw");
    session.read_until_data("MSHV-GUEST-WAITS");
    host.ok({"reset", "e"});
    session.read_until([&] {
        const auto first = session.data().find("MSHV-GUEST-HELLO");
        return session.data().find("MSHV-GUEST-HELLO", first + 1) != std::string::npos;
    });
    host.ok({"destroy", "e"});
    session.read_until([&] { return session.ended(); });
    BOOST_TEST(Session(host, "e", "mode=ro").status() == 404);
}

BOOST_AUTO_TEST_CASE(log_and_follow) {
    Host host;
    host.create({.name = "l", .steps = "count:50,tick:100"});
    host.wait_console("l", "T3");
    const auto log = host.ok({"console", "--log", "l"});
    check_counted(log, 50);
    auto follower = host.session({"console", "--log", "--follow", "l"});
    follower.wait_for("T12\r\n", guest_time());
    check_counted(follower.output(), 50);
    // No tick twice, none missing, where the log meets the live stream.
    for (int tick = 1; tick <= 12; ++tick) {
        const auto text = "\nT" + std::to_string(tick) + "\r\n";
        const auto at = follower.output().find(text);
        BOOST_TEST(at != std::string::npos);
        BOOST_TEST(follower.output().find(text, at + 1) == std::string::npos);
    }
    follower.signal(SIGINT);
    (void)follower.finish(soon());
}

BOOST_AUTO_TEST_CASE(the_log_is_rotated_and_bounded) {
    Host host;
    host.create({.name = "rot",
                 .steps = "count:20000", // 220 KB
                 .mshv = {"<consolelog ring='64' size='64' unit='KiB' keep='1'/>"}});
    host.wait_console("rot", "MSHV-GUEST-COUNTED");
    const auto log = host.ok({"console", "--log", "rot"});
    BOOST_TEST(log.size() <= 3 * 64 * 1024U);
    BOOST_TEST(contains(log, "N000020000"));
    BOOST_TEST(!contains(log, "N000000001"));
}

BOOST_AUTO_TEST_CASE(a_reader_that_does_not_read_holds_nobody_up) {
    Host host;
    host.create({.name = "stuck", .steps = "line,count:20000"});
    host.wait_console("stuck", "MSHV-GUEST-WAITS");
    Session asleep(host, "stuck", "mode=ro"); // its head was read, nothing more will be
    Session awake(host, "stuck", "mode=rw");
    awake.type("go\n");
    awake.read_until_data("MSHV-GUEST-COUNTED");
    check_counted(awake.data(), 20000);
}
