// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/posix/temporary_folder.hpp"
#include "toolstack/libs/posix/command.hpp"
#include "toolstack/libs/posix/pidfd.hpp"

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <csignal>
#include <system_error>
#include <unistd.h>

using namespace mshv::posix;
using namespace mshv::posix::test;

namespace {

Child sleeper() {
    return spawn({"/bin/sleep", {"sleep", "1000"}, {}, {}, false});
}

} // namespace

BOOST_AUTO_TEST_CASE(own_identity) {
    const auto self = identify_process(::getpid());
    BOOST_REQUIRE(self.has_value());
    BOOST_TEST(self->pid == ::getpid());
    BOOST_TEST(self->start_ticks > 0U);
    BOOST_TEST((PidFd::open(*self).has_value()));
    BOOST_TEST(!identify_process(0).has_value());
    BOOST_TEST(boot_id().size() == 36U);
}

BOOST_AUTO_TEST_CASE(another_start_time_is_another_process) {
    auto self = *identify_process(::getpid());
    ++self.start_ticks;
    BOOST_TEST(!PidFd::open(self).has_value());
}

BOOST_AUTO_TEST_CASE(signal_end_and_reap) {
    const Child child = sleeper();
    BOOST_TEST(child.pidfd.alive());
    BOOST_TEST(!child.pidfd.reap().has_value());
    BOOST_CHECK_THROW(child.pidfd.wait_ended(Deadline::after(std::chrono::milliseconds(10))),
                      TimedOut);
    BOOST_TEST(child.pidfd.signal(SIGTERM));
    child.pidfd.wait_ended(soon());
    BOOST_TEST(!child.pidfd.alive());
    // A zombie has no identity any more, and cannot be opened as the process it was.
    BOOST_TEST(!identify_process(child.identity.pid).has_value());
    BOOST_TEST(!PidFd::open(child.identity).has_value());
    BOOST_TEST((child.pidfd.reap() == ExitStatus{true, SIGTERM}));
    BOOST_TEST(!child.pidfd.signal(SIGTERM));
    BOOST_CHECK_THROW((void)child.pidfd.reap(), std::system_error);
}

BOOST_AUTO_TEST_CASE(a_pidfd_of_another_process_tells_its_end) {
    const Child child = sleeper();
    const auto other = PidFd::open(child.identity);
    BOOST_REQUIRE(other.has_value());
    child.pidfd.signal(SIGKILL);
    other->wait_ended(soon());
    BOOST_TEST((child.pidfd.reap() == ExitStatus{true, SIGKILL}));
}
