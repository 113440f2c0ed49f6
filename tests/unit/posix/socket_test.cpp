// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/posix/temporary_folder.hpp"
#include "toolstack/libs/posix/socket.hpp"

#include <array>
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace mshv::posix;
using namespace mshv::posix::test;
using std::chrono::milliseconds;

BOOST_AUTO_TEST_CASE(mode_is_exact_under_any_umask) {
    const TemporaryFolder folder;
    for (const mode_t mask : {0000U, 0022U, 0077U, 0777U}) {
        const mode_t before = ::umask(mask);
        const std::string path = folder / std::to_string(mask);
        const Fd listener = listen_unix(path, 0660);
        ::umask(before);
        struct stat status {};
        check(::stat(path.c_str(), &status), "stat");
        BOOST_TEST((status.st_mode & 07777U) == 0660U);
        BOOST_TEST((::fcntl(listener.get(), F_GETFD) & FD_CLOEXEC) != 0);
    }
}

BOOST_AUTO_TEST_CASE(a_stale_socket_is_replaced_and_a_live_one_left_alone) {
    const TemporaryFolder folder;
    const std::string path = folder / "s";
    Fd first = listen_unix(path, 0600);
    BOOST_CHECK_EXCEPTION(listen_unix(path, 0600), std::system_error,
                          [](const auto& e) { return e.code() == std::errc::address_in_use; });
    { const Fd client = connect_unix(path, soon()); }
    first.reset();
    const Fd second = listen_unix(path, 0600);
    const Fd client = connect_unix(path, soon());
    BOOST_TEST(static_cast<bool>(accept_unix(second.get())));
}

BOOST_AUTO_TEST_CASE(a_child_that_was_not_executed_yet_does_not_answer_for_its_parent) {
    const TemporaryFolder folder;
    const std::string path = folder / "s";
    int hold[2];
    check(::pipe2(hold, O_CLOEXEC), "pipe");
    const Fd read_end{hold[0]};
    Fd write_end{hold[1]};
    const pid_t daemon = check(::fork(), "fork");
    if (daemon == 0) {
        write_end.reset();
        const Fd listener = listen_unix(path, 0600);
        if (::fork() == 0) { // has the socket, and goes on having it
            char byte = 0;
            ::_exit(static_cast<int>(::read(read_end.get(), &byte, 1)));
        }
        ::_exit(0);
    }
    int status = -1;
    BOOST_TEST(::waitpid(daemon, &status, 0) == daemon);
    BOOST_TEST(status == 0);
    BOOST_CHECK_NO_THROW(listen_unix(path, 0600));
}

BOOST_AUTO_TEST_CASE(a_file_that_is_no_socket_is_left_alone) {
    const TemporaryFolder folder;
    replace_file(folder / "f", "precious");
    BOOST_CHECK_THROW(listen_unix(folder / "f", 0600), std::system_error);
    BOOST_TEST(read_file(folder / "f", 100) == "precious");
    check(::symlink((folder / "f").c_str(), (folder / "link").c_str()), "symlink");
    BOOST_CHECK_THROW(listen_unix(folder / "link", 0600), std::system_error);
}

BOOST_AUTO_TEST_CASE(connecting_to_nothing) {
    const TemporaryFolder folder;
    BOOST_CHECK_THROW(connect_unix(folder / "none", soon()), std::system_error);
    BOOST_CHECK_EXCEPTION(connect_unix("/tmp/" + std::string(200, 'x'), soon()), std::system_error,
                          [](const auto& e) { return e.code().value() == ENAMETOOLONG; });
}

BOOST_AUTO_TEST_CASE(a_full_backlog_is_waited_for_until_the_deadline) {
    const TemporaryFolder folder;
    const std::string path = folder / "s";
    const Fd listener = listen_unix(path, 0600, 0);
    const Fd first = connect_unix(path, soon());
    BOOST_CHECK_THROW(connect_unix(path, Deadline::after(milliseconds(50))), TimedOut);
    std::thread acceptor([&] { const Fd accepted = accept_unix(listener.get()); });
    const Fd second = connect_unix(path, soon());
    acceptor.join();
}

BOOST_AUTO_TEST_CASE(peer_is_this_process) {
    const TemporaryFolder folder;
    const Fd listener = listen_unix(folder / "s", 0600);
    const Fd client = connect_unix(folder / "s", soon());
    const Fd server = accept_unix(listener.get());
    const auto peer = peer_credentials(server.get());
    BOOST_TEST(peer.pid == ::getpid());
    BOOST_TEST(peer.uid == ::geteuid());
    BOOST_TEST(peer.gid == ::getegid());
    const int count = ::getgroups(0, nullptr);
    BOOST_TEST(peer.groups.size() == static_cast<std::size_t>(count));
}

BOOST_AUTO_TEST_CASE(accept_without_a_client) {
    const TemporaryFolder folder;
    const Fd listener = listen_unix(folder / "s", 0600);
    set_nonblocking(listener.get(), true);
    BOOST_TEST(!accept_unix(listener.get()));
}

BOOST_AUTO_TEST_CASE(descriptors_travel_with_their_bytes) {
    auto [near, far] = socket_pair(SOCK_STREAM);
    const Fd a = memory_file("a", "A");
    const Fd b = memory_file("b", "B");
    const std::array<int, 2> sent{a.get(), b.get()};
    send_with_fds(near.get(), "hello", sent, soon());
    std::array<char, 16> buffer{};
    std::vector<Fd> got;
    BOOST_TEST(receive_with_fds(far.get(), buffer, got, soon()) == 5U);
    BOOST_REQUIRE(got.size() == 2U);
    BOOST_TEST(read_all(got[0].get(), 10, "a") == "A");
    BOOST_TEST(read_all(got[1].get(), 10, "b") == "B");
    BOOST_TEST((::fcntl(got[0].get(), F_GETFD) & FD_CLOEXEC) != 0);
    near.reset();
    BOOST_TEST(receive_with_fds(far.get(), buffer, got, soon()) == 0U);
}

BOOST_AUTO_TEST_CASE(more_than_one_write_worth_of_bytes_with_a_descriptor) {
    auto [near, far] = socket_pair(SOCK_STREAM);
    const std::string much(3 << 20, 'x');
    const Fd a = memory_file("a", "A");
    std::thread sender([&, socket = std::move(near)] {
        const std::array<int, 1> sent{a.get()};
        send_with_fds(socket.get(), much, sent, soon());
    });
    std::size_t total = 0;
    std::vector<Fd> got;
    std::array<char, 65536> buffer{};
    while (const auto size = receive_with_fds(far.get(), buffer, got, soon())) {
        total += size;
    }
    sender.join();
    BOOST_TEST(total == much.size());
    BOOST_TEST(got.size() == 1U);
}

BOOST_AUTO_TEST_CASE(too_many_descriptors_are_refused_and_none_leaks) {
    auto [near, far] = socket_pair(SOCK_STREAM);
    const std::vector<int> many(65, 0);
    BOOST_CHECK_THROW(send_with_fds(near.get(), "x", many, soon()), std::system_error);
    BOOST_CHECK_THROW(send_with_fds(near.get(), "", {}, soon()), std::system_error);

    const std::vector<int> most(64, 0);
    send_with_fds(near.get(), "x", most, soon());
    std::array<char, 4> buffer{};
    std::vector<Fd> got;
    receive_with_fds(far.get(), buffer, got, soon());
    BOOST_TEST(got.size() == 64U);
}
