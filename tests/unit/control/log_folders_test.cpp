// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/control/world.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <boost/test/unit_test.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

// The folders of console logs, which outlive their partitions for a while.

namespace mshv::testing {
namespace {

struct Logs : World {
    [[nodiscard]] std::string folder(const std::string& name) {
        return dir().path("log/" + name);
    }
    /// A folder as a keeper leaves it, last written to at `second`.
    std::string log_of(const api::Uuid& uuid, time_t second) {
        const std::string path = folder(api::to_string(uuid));
        posix::make_directories(path, 0700);
        posix::replace_file(path + "/console.log", "hello\n");
        posix::replace_file(path + "/console.log.1", "older\n");
        const timespec times[2] = {{second, 0}, {second, 0}};
        ::utimensat(AT_FDCWD, (path + "/console.log").c_str(), times, 0);
        ::utimensat(AT_FDCWD, path.c_str(), times, 0);
        return path;
    }
    static bool exists_path(const std::string& path) {
        struct stat info {};
        return ::lstat(path.c_str(), &info) == 0;
    }
    void wait_removed(const std::string& path) {
        for (const auto deadline = soon(); exists_path(path);) {
            BOOST_REQUIRE(!deadline.expired());
            service().events(store().last_seq(), 1, std::nullopt,
                             posix::Deadline::after(std::chrono::milliseconds(2)));
        }
    }
};

BOOST_FIXTURE_TEST_SUITE(log_folders, Logs)

BOOST_AUTO_TEST_CASE(the_oldest_of_what_is_no_more_goes) {
    const auto kept = define("kept").uuid;
    const auto runs = create("runs").uuid;
    const auto stays = log_of(kept, 1);
    const auto stays_too = log_of(runs, 2);
    std::vector<std::string> ended;
    for (time_t second = 10; second < 16; ++second) {
        ended.push_back(log_of(api::random_uuid(), second));
    }
    options.keep_ended_logs = 2;
    restart_daemon();
    for (std::size_t i = 0; i < 4; ++i) {
        wait_removed(ended[i]);
    }
    BOOST_TEST(exists_path(ended[4] + "/console.log"));
    BOOST_TEST(exists_path(ended[5] + "/console.log.1"));
    destroy("runs"); // whose log is the oldest of three now
    wait_removed(stays_too);
    BOOST_TEST(exists_path(ended[4]));
    BOOST_TEST(exists_path(stays + "/console.log"));
    service().undefine(by_name("kept"), {}, tester, at_once());
    wait_removed(stays);
    BOOST_TEST(exists_path(ended[5]));
}

BOOST_AUTO_TEST_CASE(none_is_kept_when_so_configured) {
    options.keep_ended_logs = 0;
    restart_daemon();
    const auto uuid = create("once").uuid;
    const auto path = log_of(uuid, 5);
    destroy("once");
    wait_removed(path);
    auto request = request_of("once", api::CreateMode::transient);
    request.spec.uuid = uuid;
    for (int i = 0; i < 20; ++i) { // one with the same UUID is never in the way, nor robbed
        service().create(request, tester, at_once());
        log_of(uuid, 5);
        destroy("once");
    }
    wait_removed(path);
}

BOOST_AUTO_TEST_CASE(nothing_else_is_touched_and_no_link_followed) {
    const auto outside = dir().path("outside");
    posix::make_directories(outside, 0700);
    posix::replace_file(outside + "/precious", "x");
    const auto uuid = api::random_uuid();
    const auto path = log_of(uuid, 5);
    BOOST_REQUIRE(::symlink(outside.c_str(), (path + "/out").c_str()) == 0);
    const auto link = folder(api::to_string(api::random_uuid()));
    BOOST_REQUIRE(::symlink(outside.c_str(), link.c_str()) == 0);
    posix::make_directories(folder("no-uuid"), 0700);
    // What an earlier daemon was killed over.
    posix::make_directories(folder(".removed-" + api::to_string(uuid)), 0700);
    options.keep_ended_logs = 0;
    restart_daemon();
    wait_removed(path);
    wait_removed(folder(".removed-" + api::to_string(uuid)));
    BOOST_TEST(exists_path(outside + "/precious"));
    BOOST_TEST(exists_path(link));
    BOOST_TEST(exists_path(folder("no-uuid")));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace mshv::testing
