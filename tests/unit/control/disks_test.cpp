// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/api/thrown.hpp"
#include "tests/unit/control/whole.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <thread>
#include <unistd.h>

namespace mshv::testing {
namespace {

using api::CreateMode;
using api::ErrorCode;
using api::State;

struct Disks : Whole {
    std::string file(const std::string& name) {
        posix::replace_file(dir().path(name), "x");
        return dir().path(name);
    }
    static api::CreateRequest with_disk(const std::string& name, const std::string& path,
                                        CreateMode mode = CreateMode::transient) {
        auto request = request_of(name, mode);
        api::Disk disk;
        disk.path = path;
        request.spec.devices.disks = {disk};
        return request;
    }
    std::optional<ErrorCode> create(const api::CreateRequest& request) {
        return code_of([&] { service().create(request, tester, at_once()); });
    }
};

BOOST_FIXTURE_TEST_SUITE(disks, Disks)

BOOST_AUTO_TEST_CASE(a_killed_daemon_loses_no_lease) {
    const auto disk = file("disk");
    BOOST_TEST(!create(with_disk("first", disk)));
    restart_daemon();
    wait("first", State::running);
    const auto launched = machine().keepers().size();
    BOOST_TEST((create(with_disk("second", disk)) == ErrorCode::exists));
    BOOST_TEST(!exists("second"));
    BOOST_TEST(machine().keepers().size() == launched); // refused before any effect
    destroy("first");
    BOOST_TEST(!create(with_disk("second", disk)));
}

BOOST_AUTO_TEST_CASE(a_definition_claims_nothing_until_it_starts) {
    const auto disk = file("disk");
    BOOST_TEST(!create(with_disk("a", disk, CreateMode::define)));
    BOOST_TEST(!create(with_disk("b", disk, CreateMode::define)));
    start("a");
    BOOST_TEST((code_of([&] { start("b"); }) == ErrorCode::exists));
    BOOST_TEST((get("b").state == State::shutoff));
    destroy("a");
    start("b");
    BOOST_TEST((code_of([&] { start("a"); }) == ErrorCode::exists));
}

BOOST_AUTO_TEST_CASE(of_many_at_once_one_gets_the_disk) {
    const auto disk = file("disk");
    // Boost.Test's macros belong to one thread: the creators count.
    std::atomic<unsigned> won = 0;
    std::atomic<unsigned> told = 0;
    {
        std::vector<std::jthread> creators;
        for (int n = 0; n < 16; ++n) {
            creators.emplace_back([&, n] {
                const auto code = create(with_disk("p" + std::to_string(n), disk));
                won += code ? 0 : 1;
                told += code == ErrorCode::exists ? 1 : 0;
            });
        }
    }
    BOOST_TEST(won == 1U);
    BOOST_TEST(told == 15U);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace mshv::testing
