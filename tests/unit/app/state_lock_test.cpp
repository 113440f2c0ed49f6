// SPDX-License-Identifier: Apache-2.0
#include "daemon/app/state_lock.hpp"

#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <optional>
#include <sys/wait.h>
#include <unistd.h>

using namespace mshv;

BOOST_AUTO_TEST_SUITE(state_lock)

BOOST_AUTO_TEST_CASE(the_second_is_told_who_is_the_first) {
    std::string dir = (std::filesystem::temp_directory_path() / "mshv-lock-XXXXXX").string();
    BOOST_TEST_REQUIRE(::mkdtemp(dir.data()) != nullptr);
    std::optional<app::StateLock> first(std::in_place, dir);
    const std::string holder = "pid " + std::to_string(::getpid());
    const pid_t other = ::fork();
    if (other == 0) {
        try {
            const app::StateLock second(dir);
        } catch (const api::Error& error) {
            const bool told = error.code() == api::ErrorCode::busy &&
                              error.message().find(holder) != std::string::npos;
            ::_exit(told ? 0 : 1);
        }
        ::_exit(2); // locked twice
    }
    int status = -1;
    BOOST_TEST(::waitpid(other, &status, 0) == other);
    BOOST_TEST(status == 0);
    first.reset();
    BOOST_CHECK_NO_THROW(app::StateLock{dir});
    posix::remove_tree(dir);
}

BOOST_AUTO_TEST_SUITE_END()
