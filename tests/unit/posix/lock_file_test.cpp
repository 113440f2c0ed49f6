// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/posix/temporary_folder.hpp"
#include "toolstack/libs/posix/lock_file.hpp"

#include <boost/test/unit_test.hpp>
#include <future>
#include <unistd.h>

using namespace mshv::posix;
using namespace mshv::posix::test;

BOOST_AUTO_TEST_CASE(a_second_holder_is_told_of_the_first) {
    const TemporaryFolder folder;
    const std::string path = folder / "lock";
    const auto first = lock_file(path, soon());
    BOOST_TEST(static_cast<bool>(first.file));
    const auto second = lock_file(path, Deadline::after({}));
    BOOST_TEST(!second.file);
    BOOST_TEST(second.holder == ::getpid());
}

BOOST_AUTO_TEST_CASE(a_lock_that_is_given_back_meanwhile_is_taken) {
    const TemporaryFolder folder;
    const std::string path = folder / "lock";
    auto first = lock_file(path, soon());
    auto second = std::async(std::launch::async, [&] { return lock_file(path, soon()); });
    first.file.reset();
    BOOST_TEST(static_cast<bool>(second.get().file));
}
