// SPDX-License-Identifier: Apache-2.0
#include "daemon/app/audit.hpp"

#include "toolstack/libs/api/codec.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace mshv;

namespace {

struct Folder {
    Folder() { BOOST_TEST_REQUIRE(::mkdtemp(path.data()) != nullptr); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { posix::remove_tree(path); }
    [[nodiscard]] std::string file() const { return path + "/audit.log"; }

    std::string path = (std::filesystem::temp_directory_path() / "mshv-audit-XXXXXX").string();
};

std::vector<api::AuditRecord> records(const std::string& path) {
    std::ifstream in(path);
    std::vector<api::AuditRecord> result;
    for (std::string line; std::getline(in, line);) {
        result.push_back(api::decode<api::AuditRecord>(line));
    }
    return result;
}

api::AuditRecord record_of(std::uint64_t request) {
    api::AuditRecord record;
    record.request = request;
    record.pid = ::getpid();
    record.method = "POST";
    record.path = "/v1/partitions/web\n01/destroy";
    record.asked = "{\"a\":\"\xff\"}";
    record.asked_bytes = 9;
    record.status = 409;
    record.error = "no";
    return record;
}

} // namespace

BOOST_AUTO_TEST_SUITE(audit)

BOOST_AUTO_TEST_CASE(a_record_is_one_line_with_who_it_was) {
    const Folder folder;
    app::AuditLog log(folder.file());
    for (std::uint64_t request : {1U, 2U}) {
        auto record = record_of(request);
        log.write(record);
    }
    const auto found = records(folder.file());
    BOOST_TEST_REQUIRE(found.size() == 2U);
    BOOST_TEST(found[1].request == 2U);
    BOOST_TEST(found[1].path == "/v1/partitions/web\n01/destroy");
    BOOST_TEST(found[1].asked == "{\"a\":\"\xef\xbf\xbd\"}"); // what is no UTF-8 is replaced
    BOOST_TEST(found[1].program ==
               posix::read_file("/proc/self/comm", 64).substr(0, found[1].program.size()));
    BOOST_TEST(!found[1].program.empty());
    BOOST_TEST(found[1].time.size() == std::string("2026-01-01T00:00:00.000Z").size());
    struct stat status {};
    BOOST_TEST_REQUIRE(::stat(folder.file().c_str(), &status) == 0);
    BOOST_TEST((status.st_mode & 07777U & ~0640U) == 0U);
}

BOOST_AUTO_TEST_CASE(a_process_that_has_ended_has_no_name) {
    const Folder folder;
    app::AuditLog log(folder.file());
    auto record = record_of(1);
    record.pid = -1;
    log.write(record);
    const auto found = records(folder.file());
    BOOST_TEST_REQUIRE(found.size() == 1U);
    BOOST_TEST(found[0].program.empty());
    BOOST_TEST(!found[0].login_uid.has_value());
}

BOOST_AUTO_TEST_CASE(a_file_that_was_taken_away_begins_anew) {
    const Folder folder;
    app::AuditLog log(folder.file());
    auto record = record_of(1);
    log.write(record);
    std::filesystem::rename(folder.file(), folder.file() + ".1");
    record.request = 2;
    log.write(record);
    std::filesystem::remove(folder.file());
    record.request = 3;
    log.write(record);
    BOOST_TEST(records(folder.file() + ".1").size() == 1U);
    const auto found = records(folder.file());
    BOOST_TEST_REQUIRE(found.size() == 1U);
    BOOST_TEST(found[0].request == 3U);
}

BOOST_AUTO_TEST_CASE(records_of_many_threads_are_whole) {
    const Folder folder;
    app::AuditLog log(folder.file());
    constexpr std::size_t each = 100, threads = 4;
    std::vector<std::thread> writers;
    for (std::size_t i = 0; i < threads; ++i) {
        writers.emplace_back([&log] {
            for (std::size_t k = 0; k < each; ++k) {
                auto record = record_of(k);
                log.write(record);
            }
        });
    }
    for (std::size_t k = 0; k < 10; ++k) {
        std::error_code missing; // it is while no record has come since the last time
        std::filesystem::rename(folder.file(), folder.file() + "." + std::to_string(k), missing);
    }
    for (auto& writer : writers) {
        writer.join();
    }
    std::size_t all = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path)) {
        all += records(entry.path()).size();
    }
    BOOST_TEST(all == each * threads);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_opened_or_written_is_an_error) {
    const Folder folder;
    BOOST_CHECK_THROW(app::AuditLog(folder.path + "/missing/audit.log"), api::Error);
    app::AuditLog full("/dev/full");
    auto record = record_of(1);
    BOOST_CHECK_THROW(full.write(record), std::system_error);
    // No link of somebody else's is followed.
    std::filesystem::create_symlink(folder.path + "/elsewhere", folder.file());
    BOOST_CHECK_THROW(app::AuditLog(folder.file()), api::Error);
}

BOOST_AUTO_TEST_SUITE_END()
