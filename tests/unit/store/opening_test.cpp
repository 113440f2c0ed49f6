// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/store/fixture.hpp"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mshv::testing {
namespace {

using api::ErrorCode;

std::string content(const std::string& path) {
    return posix::read_file(path, 1U << 28);
}

BOOST_FIXTURE_TEST_SUITE(opening, StoreFixture)

BOOST_AUTO_TEST_CASE(the_file_tells_what_it_is) {
    db.reset();
    SQLite::Database raw(path(), SQLite::OPEN_READONLY);
    const auto pragma = [&](const char* name) {
        SQLite::Statement query(raw, std::string("PRAGMA ") + name);
        query.executeStep();
        return query.getColumn(0).getString();
    };
    BOOST_TEST(pragma("application_id") == std::to_string(0x6d736876));
    BOOST_TEST(pragma("user_version") == "10");
    BOOST_TEST(pragma("journal_mode") == "wal");
    struct stat info {};
    BOOST_REQUIRE(::stat(path().c_str(), &info) == 0);
    BOOST_TEST((info.st_mode & 0777) == 0600);
    SQLite::Statement tables(raw,
                             "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND "
                             "type = 'table' AND name NOT LIKE 'sqlite_%' AND strict = 0");
    tables.executeStep();
    BOOST_TEST(tables.getColumn(0).getInt() == 0);
}

BOOST_AUTO_TEST_CASE(a_newer_schema_is_refused_and_not_touched) {
    define("web");
    db.reset();
    {
        SQLite::Database raw(path(), SQLite::OPEN_READWRITE);
        raw.exec("PRAGMA user_version = 99");
    }
    const std::string before = content(path());
    BOOST_TEST((code_of([&] { open(); }) == ErrorCode::failed));
    BOOST_TEST(content(path()) == before);
}

BOOST_AUTO_TEST_CASE(foreign_files_are_refused_and_not_touched) {
    db.reset();
    posix::remove_tree(path());
    {
        SQLite::Database raw(path(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
        raw.exec("CREATE TABLE mine (x)");
    }
    std::string before = content(path());
    BOOST_TEST((code_of([&] { open(); }) == ErrorCode::failed));
    BOOST_TEST(content(path()) == before);
    posix::replace_file(path(), std::string(5000, 'j'));
    before = content(path());
    BOOST_TEST((code_of([&] { open(); }) == ErrorCode::failed));
    BOOST_TEST(content(path()) == before);
}

BOOST_AUTO_TEST_CASE(a_missing_database_is_not_made_when_that_was_not_asked_for) {
    db.reset();
    posix::remove_tree(path());
    store::Options options;
    options.create = false;
    BOOST_TEST((code_of([&] { open(options); }) == ErrorCode::failed));
    BOOST_TEST(::access(path().c_str(), F_OK) != 0);
}

BOOST_AUTO_TEST_CASE(two_daemons_cannot_have_one_database) {
    const std::string holder = std::to_string(::getpid());
    const pid_t other = ::fork();
    if (other == 0) {
        try {
            const auto second = store::Store::open(path());
        } catch (const api::Error& error) {
            ::_exit(error.message().find(holder) != std::string::npos ? 0 : 1);
        }
        ::_exit(2); // opened twice
    }
    int status = -1;
    BOOST_TEST(::waitpid(other, &status, 0) == other);
    BOOST_TEST(status == 0);
    define("still works");
}

BOOST_AUTO_TEST_CASE(damage_is_found) {
    const auto row = define("web");
    run("live");
    BOOST_TEST(db->fsck().empty());
    db.reset();
    {
        SQLite::Database raw(path(), SQLite::OPEN_READWRITE);
        raw.exec("UPDATE partition SET state = 'running' WHERE id = " + std::to_string(row.id));
        raw.exec("DELETE FROM history");
        raw.exec("INSERT INTO label VALUES (77, 'a', 'b')"); // this connection checks no keys
    }
    open();
    const auto faults = db->fsck();
    const auto told = [&](const std::string& text) {
        return std::any_of(faults.begin(), faults.end(), [&](const std::string& fault) {
            return fault.find(text) != std::string::npos;
        });
    };
    BOOST_TEST(told("'web' is live and has no runtime"));
    BOOST_TEST(told("'live' runs without an open row"));
    BOOST_TEST(told("foreign key"));
}

BOOST_AUTO_TEST_CASE(a_commit_does_not_make_the_log_longer) {
    const auto log_size = [&] { return std::filesystem::file_size(path() + "-wal"); };
    const auto size = log_size();
    BOOST_TEST(size > 1000 * 4096);
    for (int i = 0; i < 20; ++i) {
        define("p" + std::to_string(i));
    }
    BOOST_TEST(log_size() == size);
    db.reset();
    BOOST_TEST(log_size() == size);
    open();
    BOOST_TEST(db->load().size() == 20);
    BOOST_TEST(log_size() == size);
}

/// Each sector of the file zeroed in turn: refused or read, never a crash or an empty start.
BOOST_AUTO_TEST_CASE(a_zeroed_sector_is_never_an_empty_start) {
    for (int i = 0; i < 20; ++i) {
        define("p" + std::to_string(i));
    }
    db.reset();
    const std::string good = content(path());
    std::size_t refused = 0;
    for (std::size_t at = 0; at < good.size(); at += 2048) {
        std::string bad = good;
        bad.replace(at, 512, 512, '\0');
        posix::remove_tree(path() + "-wal");
        posix::remove_tree(path() + "-shm");
        posix::replace_file(path(), bad);
        try {
            open();
            const auto rows = db->load();
            BOOST_TEST((rows.size() == 20 || !db->fsck().empty()));
        } catch (const api::Error&) {
            ++refused;
        }
        db.reset();
    }
    BOOST_TEST(refused > 0);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace mshv::testing
