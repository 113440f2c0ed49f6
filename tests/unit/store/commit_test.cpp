// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/api/name_race.hpp"
#include "tests/unit/store/fixture.hpp"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <mutex>
#include <stdexcept>
#include <sys/mount.h>
#include <sys/resource.h>
#include <thread>

namespace mshv::testing {
namespace {

using api::ErrorCode;
using store::Transaction;

BOOST_FIXTURE_TEST_SUITE(commit, StoreFixture)

BOOST_AUTO_TEST_CASE(what_was_answered_is_there_after_reopening) {
    const auto row = define("web");
    BOOST_TEST(row.id == 1);
    BOOST_TEST((row.state == api::State::shutoff));
    open();
    const auto rows = db->load();
    BOOST_REQUIRE(rows.size() == 1);
    BOOST_TEST(rows[0].uuid == row.uuid);
    BOOST_TEST(rows[0].name == "web");
    BOOST_TEST(rows[0].state_since_ms == row.state_since_ms);
    BOOST_TEST(db->definition(1)->spec == R"({"name":"web"})");
    BOOST_TEST(!db->definition(2));
    BOOST_TEST(db->fsck().empty());
}

BOOST_AUTO_TEST_CASE(names_uuids_and_macs_have_one_holder) {
    auto first = definition("web");
    first.macs = {"52:54:00:00:00:01"};
    first.labels = {{"tier", "front"}};
    db->write([&](Transaction& t) { t.insert(first, true, "tester"); });
    const auto refused = [&](const store::Definition& d) {
        return code_of([&] { db->write([&](Transaction& t) { t.insert(d, true, "tester"); }); });
    };
    auto same_name = definition("web");
    BOOST_TEST((refused(same_name) == ErrorCode::exists));
    auto same_uuid = definition("other");
    same_uuid.uuid = first.uuid;
    BOOST_TEST((refused(same_uuid) == ErrorCode::exists));
    auto same_mac = definition("third");
    same_mac.macs = first.macs;
    BOOST_TEST((refused(same_mac) == ErrorCode::exists));
    BOOST_TEST(db->load().size() == 1);
    BOOST_TEST(db->load()[0].labels.at("tier") == "front");
}

BOOST_AUTO_TEST_CASE(numbers_are_never_used_again) {
    const auto first = define("a");
    db->write([&](Transaction& t) { t.remove(first.id, "partition.undefined", "tester"); });
    BOOST_TEST(define("a").id == first.id + 1);
    open();
    BOOST_TEST(define("b").id == first.id + 2);
}

BOOST_AUTO_TEST_CASE(a_failing_unit_undoes_itself_and_no_other) {
    constexpr int threads = 8;
    constexpr int rounds = 50;
    std::atomic<int> failed = 0;
    {
        std::vector<std::jthread> writers;
        for (int n = 0; n < threads; ++n) {
            writers.emplace_back([&, n] {
                for (int i = 0; i < rounds; ++i) {
                    const auto d = definition("p" + std::to_string(n) + "-" + std::to_string(i));
                    try {
                        db->write([&](Transaction& t) {
                            t.insert(d, true, "tester");
                            if (i % 2 == 1) {
                                throw std::runtime_error("no");
                            }
                        });
                    } catch (const std::runtime_error&) {
                        ++failed;
                    }
                }
            });
        }
    }
    BOOST_TEST(failed == threads * rounds / 2);
    BOOST_TEST(db->load().size() == threads * rounds / 2);
    const auto page = db->events(0, 0, std::nullopt);
    BOOST_TEST(page.events.size() == threads * rounds / 2);
    BOOST_TEST(page.last_seq == threads * rounds / 2); // no gaps where units failed
    BOOST_TEST(db->fsck().empty());
}

BOOST_AUTO_TEST_CASE(the_observer_hears_of_commits_in_order_before_their_callers) {
    std::vector<std::int64_t> seen;
    std::size_t rows = 0;
    std::mutex mutex;
    db->set_observer([&](store::Committed&& committed) {
        std::scoped_lock lock(mutex);
        for (const auto& event : committed.events) {
            seen.push_back(event.seq);
        }
        rows += committed.changed.size();
    });
    for (int i = 1; i <= 20; ++i) {
        define("p" + std::to_string(i));
        std::scoped_lock lock(mutex);
        BOOST_TEST(seen.size() == static_cast<std::size_t>(i));
        BOOST_TEST(seen.back() == i);
    }
    BOOST_TEST(rows == 20);
    db->set_observer({});
}

BOOST_AUTO_TEST_CASE(one_name_has_one_winner) {
    const NameRace race([&] { define("web"); });
    BOOST_TEST(race.won == 1);
    BOOST_TEST(race.lost == 99);
}

BOOST_AUTO_TEST_CASE(events_are_paged_filtered_and_pruned) {
    store::Options options;
    options.keep_events = 100;
    open(options);
    const auto web = define("web");
    for (int i = 0; i < 600; ++i) {
        db->write([&](Transaction& t) { t.event("daemon.note", 0, "tester", "x"); });
    }
    BOOST_TEST(db->last_seq() == 601);
    auto page = db->events(0, 10, std::nullopt);
    BOOST_TEST(page.oldest_seq > 300);
    BOOST_REQUIRE(page.events.size() == 10);
    BOOST_TEST(page.last_seq == page.events.back().seq);
    page = db->events(601, 10, std::nullopt);
    BOOST_TEST(page.events.empty());
    BOOST_TEST(page.last_seq == 601);
    db->write([&](Transaction& t) { t.event("partition.note", web.id, "tester", "y"); });
    page = db->events(0, 10, web.uuid);
    BOOST_REQUIRE(page.events.size() == 1);
    BOOST_TEST(page.events[0].detail == "y");
    BOOST_TEST(page.last_seq == 602);
    BOOST_TEST(db->fsck().empty());
}

BOOST_AUTO_TEST_CASE(a_backup_is_a_whole_database) {
    define("web");
    const std::string copy = dir + "/copy.db";
    db->backup(copy);
    define("later");
    const auto other = store::Store::open(copy);
    BOOST_TEST(other->load().size() == 1);
    BOOST_TEST(other->fsck().empty());
    BOOST_TEST((code_of([&] { db->backup(copy); }).has_value())); // never over a file
}

/// Limits the size of files that this process writes.
struct FileLimit {
    explicit FileLimit(rlim_t bytes) {
        ::getrlimit(RLIMIT_FSIZE, &before);
        const rlimit limit{bytes, before.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        old_handler = ::signal(SIGXFSZ, SIG_IGN);
    }
    FileLimit(const FileLimit&) = delete;
    FileLimit& operator=(const FileLimit&) = delete;
    ~FileLimit() {
        ::setrlimit(RLIMIT_FSIZE, &before);
        ::signal(SIGXFSZ, old_handler);
    }
    rlimit before{};
    sighandler_t old_handler = nullptr;
};

BOOST_AUTO_TEST_CASE(a_commit_that_fails_is_unknown_and_ends_the_writing) {
    std::atomic<int> fatal = 0;
    store::Options options;
    options.fatal = [&](const std::string&) { ++fatal; };
    open(options);
    define("before");
    std::optional<ErrorCode> first;
    {
        const FileLimit limit(64 * 1024); // the log may not grow past it: EFBIG at a write
        for (int i = 0; i < 100 && !first; ++i) {
            first = code_of([&] { define("p" + std::to_string(i)); });
        }
    }
    BOOST_REQUIRE(first.has_value());
    BOOST_TEST((*first == ErrorCode::outcome_unknown));
    BOOST_TEST(fatal == 1);
    BOOST_TEST((code_of([&] { define("after"); }) == ErrorCode::outcome_unknown));
    BOOST_TEST(fatal == 1);
    BOOST_TEST(!db->load().empty()); // reads go on
    const auto acked = db->load().size();
    open();
    BOOST_TEST(db->load().size() >= acked);
    BOOST_TEST(db->fsck().empty());
    define("after");
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_no_resource_and_heals) {
    const std::string small = dir + "/small";
    posix::make_directories(small, 0700);
    if (::mount("tmpfs", small.c_str(), "tmpfs", 0, "size=700k") != 0) {
        BOOST_TEST_MESSAGE("not allowed to mount a small file system: skipped");
        return;
    }
    {
        std::atomic<int> fatal = 0;
        store::Options options;
        options.fatal = [&](const std::string&) { ++fatal; };
        const auto full = store::Store::open(small + "/mshv.db", options);
        std::optional<ErrorCode> code;
        std::size_t acked = 0;
        std::string filler = small + "/filler";
        try {
            posix::replace_file(filler, std::string(200 * 1024, 'x'));
        } catch (const std::exception&) {
            BOOST_TEST_MESSAGE("the file system is smaller than thought");
        }
        for (int i = 0; i < 200 && !code; ++i) {
            auto d = definition("p" + std::to_string(i));
            d.xml = std::string(8000, 'x');
            code = code_of([&] { full->write([&](Transaction& t) { t.insert(d, true, "t"); }); });
            acked += code ? 0 : 1;
        }
        BOOST_REQUIRE(code.has_value());
        BOOST_TEST((*code == ErrorCode::no_resource));
        BOOST_TEST(fatal == 0);
        BOOST_TEST(full->load().size() == acked);
        posix::remove_tree(filler);
        full->write([&](Transaction& t) { t.insert(definition("after"), true, "t"); });
        BOOST_TEST(full->load().size() == acked + 1);
        BOOST_TEST(full->fsck().empty());
    }
    ::umount(small.c_str());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace mshv::testing
