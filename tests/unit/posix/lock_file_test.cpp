// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/posix/temporary_folder.hpp"
#include "toolstack/libs/posix/lock_file.hpp"
#include "toolstack/libs/posix/socket.hpp"

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace mshv::posix;
using namespace mshv::posix::test;

namespace {

/// Ends with 0 when the lock is taken by another, with 1 when it could be had.
[[noreturn]] void try_and_exit(const std::string& path, pid_t holder) {
    const auto lock = lock_file(path);
    ::_exit(lock.file || lock.holder != holder ? 1 : 0);
}

} // namespace

BOOST_AUTO_TEST_CASE(another_process_is_told_who_has_the_lock) {
    const TemporaryFolder folder;
    const std::string path = folder / "lock";
    const auto mine = lock_file(path);
    BOOST_REQUIRE(mine.file);
    const pid_t here = ::getpid();
    const pid_t other = ::fork();
    if (other == 0) {
        try_and_exit(path, here);
    }
    int status = -1;
    BOOST_REQUIRE_EQUAL(::waitpid(other, &status, 0), other);
    BOOST_TEST(status == 0);
}

BOOST_AUTO_TEST_CASE(a_killed_holder_leaves_no_lock_with_its_child) {
    const TemporaryFolder folder;
    const std::string path = folder / "lock";
    auto [ours, theirs] = socket_pair(SOCK_STREAM);
    const pid_t holder = ::fork();
    if (holder == 0) {
        const auto lock = lock_file(path);
        ours.reset();
        if (lock.file && ::fork() == 0) { // has the open file, too, until the test is done
            char byte = 0;
            (void)!::read(theirs.get(), &byte, 1);
            ::_exit(0);
        }
        ::kill(::getpid(), SIGKILL);
    }
    int status = 0;
    BOOST_REQUIRE_EQUAL(::waitpid(holder, &status, 0), holder);
    BOOST_TEST(static_cast<bool>(lock_file(path).file));
}
