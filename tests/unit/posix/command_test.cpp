// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/posix/temporary_folder.hpp"
#include "toolstack/libs/posix/command.hpp"
#include "toolstack/libs/posix/socket.hpp"

#include <array>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace mshv::posix;
using namespace mshv::posix::test;

namespace {

/// What `script` prints, run by a shell with `fds` beside its standard output.
std::string output_of(const std::string& script, std::vector<Command::FdMapping> fds = {},
                      std::vector<std::string> env = {}, bool new_session = false) {
    std::array<int, 2> ends{};
    check(::pipe2(ends.data(), O_CLOEXEC), "pipe");
    const Fd out{ends[0]};
    Fd in{ends[1]};
    fds.push_back({in.get(), 1});
    const Child child =
        spawn({"/bin/sh", {"sh", "-c", script}, std::move(env), std::move(fds), new_session});
    in.reset();
    const std::string text = read_all(out.get(), 65536, "output");
    child.pidfd.wait_ended(soon());
    (void)child.pidfd.reap();
    return text;
}

} // namespace

BOOST_AUTO_TEST_CASE(exactly_the_listed_descriptors) {
    const Fd a = memory_file("a", "A");
    const Fd b = memory_file("b", "B");
    // Not close-on-exec, as a careless library would leave it.
    const Fd leak{check(::dup(a.get()), "dup")};
    BOOST_TEST(output_of("cat <&5; cat <&9; ls /proc/self/fd | tr '\\n' ' '",
                         {{a.get(), 5}, {b.get(), 9}}) == "AB0 1 2 3 5 9 ");
}

BOOST_AUTO_TEST_CASE(descriptors_may_swap_numbers) {
    const Fd a = memory_file("a", "A");
    const Fd b = memory_file("b", "B");
    BOOST_TEST(output_of("cat <&" + std::to_string(a.get()) + "; cat <&" + std::to_string(b.get()),
                         {{a.get(), b.get()}, {b.get(), a.get()}}) == "BA");
}

BOOST_AUTO_TEST_CASE(standard_descriptors_are_null_unless_listed) {
    BOOST_TEST(output_of("readlink /proc/self/fd/0 /proc/self/fd/2") == "/dev/null\n/dev/null\n");
}

BOOST_AUTO_TEST_CASE(nothing_of_the_environment_is_inherited) {
    ::setenv("MSHV_TEST_SECRET", "x", 1);
    const std::string text = output_of("/usr/bin/env", {}, {"A=b c"});
    BOOST_TEST(text.find("MSHV_TEST_SECRET") == std::string::npos);
    BOOST_TEST(text.find("A=b c\n") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(arguments_are_no_shell_text) {
    std::array<int, 2> ends{};
    check(::pipe2(ends.data(), O_CLOEXEC), "pipe");
    const Fd out{ends[0]};
    Fd in{ends[1]};
    const Child child =
        spawn({"/bin/echo", {"echo", "$HOME;", "a  b\n\"'"}, {}, {{in.get(), 1}}, false});
    in.reset();
    BOOST_TEST(read_all(out.get(), 100, "output") == "$HOME; a  b\n\"'\n");
    child.pidfd.wait_ended(soon());
    BOOST_TEST((child.pidfd.reap() == ExitStatus{false, 0}));
}

BOOST_AUTO_TEST_CASE(a_new_session) {
    const std::string text =
        output_of("cut -d' ' -f6 /proc/$$/stat; echo $$", {}, {"PATH=/bin:/usr/bin"}, true);
    const auto newline = text.find('\n');
    BOOST_TEST(text.substr(0, newline) + "\n" == text.substr(newline + 1));
}

BOOST_AUTO_TEST_CASE(signals_start_as_by_default) {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGUSR1);
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    ::signal(SIGUSR2, SIG_IGN);
    const std::string text =
        output_of("grep -E '^Sig(Blk|Ign)' /proc/self/status", {}, {"PATH=/bin:/usr/bin"});
    ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    ::signal(SIGUSR2, SIG_DFL);
    // glibc leaves the two signals that it keeps for itself (32 and 33) ignored.
    BOOST_TEST(text.rfind("SigBlk:\t0000000000000000\nSigIgn:\t", 0) == 0U);
    BOOST_TEST(text.substr(text.size() - 8) == "0000000\n");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_executed_throws) {
    BOOST_CHECK_THROW(spawn({"/nonexistent", {"x"}, {}, {}, false}), std::system_error);
    BOOST_CHECK_THROW(spawn({"/etc/passwd", {"x"}, {}, {}, false}), std::system_error);
}

BOOST_AUTO_TEST_CASE(a_helper_dies_with_the_thread_that_waits_for_it) {
    std::optional<Child> child;
    std::thread parent([&] {
        Command command{"/bin/sleep", {"sleep", "1000"}, {}, {}};
        command.dies_with_parent = true;
        child = spawn(command);
    });
    parent.join();
    child->pidfd.wait_ended(soon());
    BOOST_CHECK((child->pidfd.reap() == ExitStatus{true, SIGKILL}));
}
