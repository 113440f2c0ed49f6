// SPDX-License-Identifier: Apache-2.0
#include "daemon/app/listener.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/posix/file.hpp"
#include "toolstack/libs/posix/socket.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace mshv;
using namespace mshv::app;

namespace {

struct Folder {
    std::string path = [] {
        std::string pattern = "/tmp/mshv-app-XXXXXX";
        return std::string(::mkdtemp(pattern.data()));
    }();
    Folder() = default;
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { posix::remove_tree(path); }
};

const auto no_warning = [](const std::string& text) { BOOST_ERROR(text); };

} // namespace

BOOST_AUTO_TEST_CASE(groups_by_number_and_name) {
    BOOST_TEST(!group_number("").has_value());
    BOOST_TEST(group_number("4711").value() == 4711U);
    BOOST_TEST(group_number("root").value() == 0U);
    BOOST_CHECK_EXCEPTION(group_number("no-such-group"), api::Error,
                          [](const auto& e) { return e.code() == api::ErrorCode::not_found; });
}

BOOST_AUTO_TEST_CASE(a_socket_of_our_own) {
    const Folder folder;
    const std::string path = folder.path + "/s";
    const Listener listener = open_listener(path, {::getegid(), std::nullopt}, no_warning);
    BOOST_TEST(!listener.activated);
    struct stat status {};
    BOOST_REQUIRE(::stat(path.c_str(), &status) == 0);
    BOOST_TEST((status.st_mode & 07777U) == 0660U);
    BOOST_CHECK_EXCEPTION(open_listener(path, {}, no_warning), api::Error,
                          [](const auto& e) { return e.code() == api::ErrorCode::exists; });
}

BOOST_AUTO_TEST_CASE(readers_get_in_and_others_do_not,
                     *boost::unit_test::precondition([](auto) { return ::geteuid() == 0; })) {
    constexpr gid_t readers = 54321;
    const Folder folder;
    posix::check(::chmod(folder.path.c_str(), 0755), "chmod");
    const std::string path = folder.path + "/s";
    std::vector<std::string> warnings;
    const Listener listener = open_listener(
        path, {0, readers}, [&](const std::string& text) { warnings.push_back(text); });
    if (!warnings.empty()) {
        BOOST_TEST_MESSAGE("no ACLs here: " << warnings.front());
        return;
    }
    const auto can_connect = [&](gid_t group) {
        const pid_t child = ::fork();
        if (child == 0) {
            const bool dropped =
                ::setgroups(0, nullptr) == 0 && ::setgid(group) == 0 && ::setuid(54320) == 0;
            try {
                const posix::Fd socket = posix::connect_unix(path, posix::Deadline::never());
                ::_exit(dropped ? 0 : 2);
            } catch (const std::exception&) {
                ::_exit(dropped ? 1 : 2);
            }
        }
        int status = 0;
        posix::check(::waitpid(child, &status, 0), "waitpid");
        return WEXITSTATUS(status);
    };
    BOOST_TEST(can_connect(readers) == 0);
    BOOST_TEST(can_connect(0) == 0);
    BOOST_TEST(can_connect(54322) == 1);
}

BOOST_AUTO_TEST_CASE(a_socket_that_was_passed) {
    const Folder folder;
    posix::Fd made = posix::listen_unix(folder.path + "/s", 0600);
    // Number 3 is where the service manager puts it; here it may be in use.
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(made.get(), 3);
        ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
        ::setenv("LISTEN_FDS", "1", 1);
        try {
            bool acl = true;
            const Listener listener = open_listener("/nonexistent/s", {std::nullopt, 54321},
                                                    [&](const std::string&) { acl = false; });
            const bool cleared = std::getenv("LISTEN_FDS") == nullptr;
            // Where there are ACLs, the group's bits are the mask, which readers made wider.
            struct stat status {};
            const bool widened = ::stat((folder.path + "/s").c_str(), &status) == 0 &&
                                 (status.st_mode & 0777U) == 0660U;
            ::_exit(listener.activated && listener.fd.get() == 3 && cleared && widened == acl ? 0
                                                                                              : 1);
        } catch (const std::exception&) {
            ::_exit(2);
        }
    }
    int status = 0;
    posix::check(::waitpid(child, &status, 0), "waitpid");
    BOOST_TEST(WEXITSTATUS(status) == 0);
}

BOOST_AUTO_TEST_CASE(what_is_passed_must_be_a_listening_socket) {
    const pid_t child = ::fork();
    if (child == 0) {
        const posix::Fd file = posix::memory_file("x", "");
        ::dup2(file.get(), 3);
        ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
        ::setenv("LISTEN_FDS", "1", 1);
        try {
            (void)open_listener("/nonexistent/s", {}, [](const auto&) {});
            ::_exit(1);
        } catch (const api::Error& error) {
            ::_exit(error.code() == api::ErrorCode::invalid ? 0 : 2);
        }
    }
    int status = 0;
    posix::check(::waitpid(child, &status, 0), "waitpid");
    BOOST_TEST(WEXITSTATUS(status) == 0);
}
