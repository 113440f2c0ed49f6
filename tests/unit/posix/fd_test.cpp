// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/posix/temporary_folder.hpp"
#include "toolstack/libs/posix/fd.hpp"
#include "toolstack/libs/posix/socket.hpp"

#include <array>
#include <boost/test/unit_test.hpp>
#include <fcntl.h>
#include <limits>
#include <poll.h>
#include <sys/socket.h>
#include <system_error>
#include <thread>
#include <unistd.h>

using namespace mshv::posix;
using namespace mshv::posix::test;
using std::chrono::milliseconds;

namespace {

bool is_open(int number) {
    return ::fcntl(number, F_GETFD) >= 0;
}

} // namespace

BOOST_AUTO_TEST_CASE(an_fd_is_closed_once) {
    Fd first = memory_file("x", "");
    const int number = first.get();
    Fd second = std::move(first);
    BOOST_TEST(!first); // NOLINT(bugprone-use-after-move): that it is empty is what is tested
    BOOST_TEST(second.get() == number);
    const Fd copy = second.duplicate();
    second = Fd{};
    BOOST_TEST(!is_open(number));
    BOOST_TEST(is_open(copy.get()));
    BOOST_TEST((::fcntl(copy.get(), F_GETFD) & FD_CLOEXEC) != 0);
}

BOOST_AUTO_TEST_CASE(self_move_keeps_it) {
    Fd fd = memory_file("x", "");
    Fd& same = fd;
    fd = std::move(same);
    BOOST_TEST(is_open(fd.get()));
}

BOOST_AUTO_TEST_CASE(deadlines) {
    BOOST_TEST(Deadline::never().poll_timeout() == -1);
    BOOST_TEST(!Deadline::never().expired());
    BOOST_TEST(Deadline::after(milliseconds(-5)).expired());
    BOOST_TEST(Deadline::after(milliseconds(-5)).poll_timeout() == 0);
    const int left = Deadline::after(milliseconds(1000)).poll_timeout();
    BOOST_TEST((left > 900 && left <= 1000));
    BOOST_TEST(Deadline::after(std::chrono::hours(24 * 365)).poll_timeout() ==
               std::numeric_limits<int>::max());
}

BOOST_AUTO_TEST_CASE(several_waits_share_a_deadline) {
    auto [near, far] = socket_pair(SOCK_STREAM);
    const auto begin = Deadline::Clock::now();
    const auto deadline = Deadline::after(milliseconds(50));
    std::array<char, 8> buffer{};
    for (int i = 0; i < 5; ++i) {
        BOOST_CHECK_THROW(read_some(near.get(), buffer, deadline, "test"), TimedOut);
    }
    BOOST_TEST((Deadline::Clock::now() - begin < milliseconds(2000)));
    BOOST_TEST((Deadline::Clock::now() - begin >= milliseconds(50)));
}

BOOST_AUTO_TEST_CASE(write_all_waits_for_room_and_gives_up_at_the_deadline) {
    auto [near, far] = socket_pair(SOCK_STREAM);
    const std::string much(4 << 20, 'x');
    BOOST_CHECK_THROW(write_all(near.get(), much, Deadline::after(milliseconds(30)), "t"),
                      TimedOut);

    auto [left, right] = socket_pair(SOCK_STREAM);
    std::size_t got = 0;
    std::thread reader([&, socket = std::move(right)] {
        std::array<char, 65536> buffer{};
        while (const auto size = read_some(socket.get(), buffer, soon(), "t")) {
            got += size;
        }
    });
    write_all(left.get(), much, soon(), "t");
    left.reset();
    reader.join();
    BOOST_TEST(got == much.size());
}

BOOST_AUTO_TEST_CASE(writing_to_a_closed_peer_throws_and_raises_no_signal) {
    auto [near, far] = socket_pair(SOCK_STREAM);
    far.reset();
    BOOST_CHECK_EXCEPTION(write_all(near.get(), "x", soon(), "t"), std::system_error,
                          [](const auto& e) { return e.code() == std::errc::broken_pipe; });
}

BOOST_AUTO_TEST_CASE(wakeup) {
    const Wakeup bell;
    BOOST_CHECK_THROW(wait_for(bell.fd(), POLLIN, Deadline::after(milliseconds(1)), "t"),
                      TimedOut);
    bell.signal();
    bell.signal();
    BOOST_TEST((wait_for(bell.fd(), POLLIN, soon(), "t") & POLLIN) != 0);
    bell.drain();
    BOOST_CHECK_THROW(wait_for(bell.fd(), POLLIN, Deadline::after(milliseconds(1)), "t"),
                      TimedOut);
    bell.drain();
}
