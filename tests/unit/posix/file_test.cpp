// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/posix/temporary_folder.hpp"
#include "toolstack/libs/posix/folder.hpp"

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

using namespace mshv::posix;
using namespace mshv::posix::test;

namespace {

mode_t mode_of(const std::string& path) {
    struct stat status {};
    check(::lstat(path.c_str(), &status), path);
    return status.st_mode & 07777U;
}

bool exists(const std::string& path) {
    return ::access(path.c_str(), F_OK) == 0;
}

} // namespace

BOOST_AUTO_TEST_CASE(the_folder_of_a_path) {
    BOOST_TEST(folder_of("/a/b") == "/a");
    BOOST_TEST(folder_of("/a") == "/");
    BOOST_TEST(folder_of("a/b/c") == "a/b");
    BOOST_TEST(folder_of("a") == ".");
    const TemporaryFolder folder;
    BOOST_CHECK_NO_THROW(sync_folder_of(folder / "gone"));
    BOOST_CHECK_THROW(sync_folder_of(folder / "missing/gone"), std::system_error);
}

BOOST_AUTO_TEST_CASE(replace_file_leaves_old_or_new) {
    const TemporaryFolder folder;
    const std::string path = folder / "f";
    replace_file(path, "one", 0640);
    BOOST_TEST(read_file(path, 100) == "one");
    replace_file(path, "two");
    BOOST_TEST(read_file(path, 100) == "two");
    BOOST_TEST(!exists(path + ".new"));
    BOOST_CHECK_THROW(replace_file(folder / "missing/f", "x"), std::system_error);
}

BOOST_AUTO_TEST_CASE(replace_file_follows_no_planted_link) {
    const TemporaryFolder folder;
    replace_file(folder / "victim", "safe");
    check(::symlink((folder / "victim").c_str(), (folder / "f.new").c_str()), "symlink");
    BOOST_CHECK_THROW(replace_file(folder / "f", "x"), std::system_error);
    BOOST_TEST(read_file(folder / "victim", 100) == "safe");
}

BOOST_AUTO_TEST_CASE(reading_is_bounded) {
    const TemporaryFolder folder;
    replace_file(folder / "f", std::string(100, 'x'));
    BOOST_TEST(read_file(folder / "f", 100).size() == 100U);
    BOOST_CHECK_EXCEPTION(read_file(folder / "f", 99), std::system_error,
                          [](const auto& e) { return e.code().value() == EFBIG; });
    BOOST_CHECK_EXCEPTION(read_file(folder / "none", 1), std::system_error, [](const auto& e) {
        return e.code().value() == ENOENT &&
               std::string(e.what()).find("none") != std::string::npos;
    });
}

BOOST_AUTO_TEST_CASE(a_memory_file_cannot_change) {
    const Fd file = memory_file("spec", "hello");
    BOOST_TEST(read_all(file.get(), 100, "spec") == "hello");
    BOOST_TEST(::write(file.get(), "x", 1) < 0);
    BOOST_TEST(::ftruncate(file.get(), 0) < 0);
    BOOST_TEST((::fcntl(file.get(), F_GETFD) & FD_CLOEXEC) != 0);
}

BOOST_AUTO_TEST_CASE(folders) {
    const TemporaryFolder folder;
    const mode_t before = ::umask(0);
    make_directories(folder / "a/b/c", 0750);
    make_directories(folder / "a/b/c", 0700);
    ::umask(before);
    BOOST_TEST(mode_of(folder / "a/b/c") == 0750U);
    replace_file(folder / "f", "");
    BOOST_CHECK_THROW(make_directories(folder / "f/x", 0700), std::system_error);
}

BOOST_AUTO_TEST_CASE(remove_tree_follows_no_link_and_is_idempotent) {
    const TemporaryFolder folder;
    make_directories(folder / "keep", 0700);
    replace_file(folder / "keep/f", "x");
    make_directories(folder / "gone/deep", 0700);
    check(::symlink((folder / "keep").c_str(), (folder / "gone/deep/link").c_str()), "symlink");
    remove_tree(folder / "gone");
    remove_tree(folder / "gone");
    BOOST_TEST(!exists(folder / "gone"));
    BOOST_TEST(exists(folder / "keep/f"));
}
