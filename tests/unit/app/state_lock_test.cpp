// SPDX-License-Identifier: Apache-2.0
#include "daemon/app/state_lock.hpp"

#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <optional>
#include <unistd.h>

using namespace mshv;

BOOST_AUTO_TEST_SUITE(state_lock)

BOOST_AUTO_TEST_CASE(the_second_is_told_who_is_the_first) {
    std::string dir = (std::filesystem::temp_directory_path() / "mshv-lock-XXXXXX").string();
    BOOST_TEST_REQUIRE(::mkdtemp(dir.data()) != nullptr);
    std::optional<app::StateLock> first(std::in_place, dir);
    try {
        const app::StateLock second(dir);
        BOOST_FAIL("locked twice");
    } catch (const api::Error& error) {
        BOOST_TEST(static_cast<int>(error.code()) == static_cast<int>(api::ErrorCode::busy));
        BOOST_TEST(error.message().find("pid " + std::to_string(::getpid())) != std::string::npos);
    }
    first.reset();
    BOOST_CHECK_NO_THROW(app::StateLock{dir});
    posix::remove_tree(dir);
}

BOOST_AUTO_TEST_SUITE_END()
