// SPDX-License-Identifier: Apache-2.0
#include "daemon/store/migrations.hpp"
#include "tests/unit/store/fixture.hpp"

#include <SQLiteCpp/Database.h>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <thread>

namespace mshv::testing {
namespace {

using api::Cause;
using api::ErrorCode;
using store::Transaction;

struct Revisions : StoreFixture {
    store::Definition first = definition("web");
    store::PartitionRow row =
        db->write([&](Transaction& t) { return t.insert(first, true, "tester"); });

    /// A definition over the present one that says `word`.
    std::optional<ErrorCode> write(const std::string& word, store::Over over = {},
                                   Cause cause = Cause::edited) {
        auto next = first;
        next.spec = R"({"word":")" + word + "\"}";
        next.cause = cause;
        return code_of([&] {
            db->write([&](Transaction& t) { return t.redefine(next, over, "by " + word); });
        });
    }
};

BOOST_FIXTURE_TEST_SUITE(revisions, Revisions)

BOOST_AUTO_TEST_CASE(each_change_makes_one) {
    BOOST_TEST(row.revision == 1);
    BOOST_TEST(!write("two"));
    db->write([&](Transaction& t) { t.rename(row.id, "www", R"({"word":"three"})", "r"); });
    db->write([&](Transaction& t) { t.set_autostart(row.id, true, 5, R"({"word":"4"})", "a"); });
    open();
    BOOST_TEST(find(row.id)->revision == 4);
    const auto all = db->revisions(row.id, 0);
    BOOST_REQUIRE(all.size() == 4U);
    const std::vector<Cause> causes{Cause::autostart, Cause::renamed, Cause::edited,
                                    Cause::defined};
    for (std::size_t i = 0; i < all.size(); ++i) {
        BOOST_TEST(all[i].number == static_cast<std::int64_t>(4 - i));
        BOOST_TEST((all[i].cause == causes[i]));
        BOOST_TEST(all[i].at_ms > 0);
    }
    BOOST_TEST(all[1].detail == "was 'web'");
    BOOST_TEST(all[2].actor == "by two");
    BOOST_TEST(db->revisions(row.id, 2).size() == 2U);
    BOOST_TEST(db->definition(row.id)->spec == R"({"word":"4"})");
    BOOST_TEST(db->definition(row.id)->revision == 4);
    BOOST_TEST(db->definition(row.id, 2)->spec == R"({"word":"two"})");
    BOOST_TEST(!db->definition(row.id, 5));
    BOOST_TEST(db->events(0, 0, std::nullopt).events[1].detail == "edited: revision 2");
    BOOST_TEST(db->fsck().empty());
}

BOOST_AUTO_TEST_CASE(a_stale_revision_is_refused_and_changes_nothing) {
    BOOST_TEST(!write("two", {1, false}));
    const auto events = db->last_seq();
    BOOST_TEST((write("late", {1, false}) == ErrorCode::wrong_state));
    BOOST_TEST(db->definition(row.id)->spec == R"({"word":"two"})");
    BOOST_TEST(db->last_seq() == events);
    BOOST_TEST(!write("three", {2, false}));
}

BOOST_AUTO_TEST_CASE(of_many_editors_of_one_revision_one_wins) {
    std::atomic<int> won = 0;
    {
        std::vector<std::jthread> editors;
        for (int n = 0; n < 32; ++n) {
            editors.emplace_back([&, n] {
                won += write("e" + std::to_string(n), {1, false}) ? 0 : 1;
            });
        }
    }
    BOOST_TEST(won == 1);
    BOOST_TEST(find(row.id)->revision == 2);
}

BOOST_AUTO_TEST_CASE(old_ones_go_but_for_that_which_runs) {
    store::Options options;
    options.keep_revisions = 3;
    open(options);
    const auto live = run("live");
    auto next = definition("live");
    next.uuid = live.uuid;
    for (int i = 0; i < 6; ++i) {
        BOOST_TEST(!write("w" + std::to_string(i)));
        db->write([&](Transaction& t) { t.redefine(next, {{}, true}, "t"); });
    }
    BOOST_TEST(db->revisions(row.id, 0).size() == 3U);
    BOOST_TEST(db->revisions(row.id, 0).front().number == 7);
    const auto kept = db->revisions(live.id, 0);
    BOOST_REQUIRE(kept.size() == 4U);
    BOOST_TEST(kept.back().number == 1);
    BOOST_TEST(find(live.id)->runtime->revision == 1);
    BOOST_TEST(find(live.id)->runtime->pending);
    BOOST_TEST(db->fsck().empty());
}

BOOST_AUTO_TEST_CASE(they_go_with_their_partition) {
    BOOST_TEST(!write("two"));
    db->write([&](Transaction& t) { t.remove(row.id, "partition.undefined", "tester"); });
    BOOST_TEST(db->revisions(row.id, 0).empty());
    BOOST_TEST(!db->definition(row.id));
}

BOOST_AUTO_TEST_CASE(the_owner_stays) {
    auto owned = definition("owned");
    owned.owner = "/etc/guests";
    const auto id = db->write([&](Transaction& t) { return t.insert(owned, true, "t"); }).id;
    owned.owner = "another";
    db->write([&](Transaction& t) { t.redefine(owned, {}, "t"); });
    open();
    BOOST_TEST(find(id)->owner == "/etc/guests");
}

BOOST_AUTO_TEST_CASE(a_database_from_before_them_gets_one_each) {
    db.reset();
    posix::remove_tree(path());
    posix::remove_tree(path() + "-wal");
    posix::remove_tree(path() + "-shm");
    {
        SQLite::Database old(path(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
        old.exec(std::string(store::migrations()[0]));
        old.exec("PRAGMA application_id = 1836279926; PRAGMA user_version = 1");
        for (const std::string name : {"a", "b"}) {
            old.exec("INSERT INTO partition (uuid, name, title, spec, xml, persistent, memory, "
                     "vcpus, autostart, autostart_order, protect_destroy, protect_delete, state, "
                     "reason, state_since) VALUES ('0b1e5c1e-6f0a-4c3e-9d7b-1a2b3c4d5e6" +
                     name + "', '" + name + "', '', '{\"name\":\"" + name + "\"}', '<" + name +
                     "/>', 1, 7, 1, 0, 100, 0, 0, 'running', 'started', 5)");
        }
        old.exec("INSERT INTO disk_writer VALUES ('file 1:2', 2, '/b.img')");
        old.exec("INSERT INTO runtime VALUES (2, 'inc', '/run', 'n', 'boot', 1, 2, 3, 4, 1, 0, 9, "
                 "9, 'tcg', '', 'qemu', 1)");
    }
    open();
    const auto rows = db->load();
    BOOST_REQUIRE(rows.size() == 2U);
    for (const auto& each : rows) {
        BOOST_TEST(each.revision == 1);
        BOOST_TEST(each.owner.empty());
        const auto text = db->definition(each.id);
        BOOST_REQUIRE(text.has_value());
        BOOST_TEST(text->spec == "{\"name\":\"" + each.name + "\"}");
        BOOST_TEST(text->xml == "<" + each.name + "/>");
        const auto all = db->revisions(each.id, 0);
        BOOST_REQUIRE(all.size() == 1U);
        BOOST_TEST((all[0].cause == Cause::upgraded));
    }
    // What it writes to stays its own.
    const auto taken = code_of([&] {
        db->write([&](store::Transaction& t) {
            domain::DiskClaim claim;
            claim.self.base = "file 1:2";
            claim.writes = true;
            t.claim_disks(rows[0].id, {claim});
        });
    });
    BOOST_TEST((taken == api::ErrorCode::exists));
    // With what it was started, nobody knows.
    BOOST_REQUIRE(rows[1].runtime.has_value());
    BOOST_TEST(rows[1].runtime->revision == 0);
    BOOST_TEST(!rows[1].runtime->pending);
}

BOOST_AUTO_TEST_CASE(a_device_on_its_way_from_before_media_is_there_still) {
    const auto running = run("running");
    store::DeviceChange change;
    change.device = "disk0";
    change.kind = store::DeviceChange::Kind::resize;
    change.what = "{}";
    change.started_ms = 7;
    change.size = 4096;
    auto medium = change;
    medium.device = "cd";
    medium.kind = store::DeviceChange::Kind::medium;
    medium.started_ms = 8;
    medium.before = "medium1";
    db->write([&](store::Transaction& t) { t.put_device_change(running.id, change); });
    db.reset();
    {
        SQLite::Database old(path(), SQLite::OPEN_READWRITE);
        old.exec("ALTER TABLE device_change DROP COLUMN before");
        old.exec("ALTER TABLE runtime DROP COLUMN suspended");
        old.exec("PRAGMA user_version = 6");
        old.exec("DROP TABLE cpu_pool");
    }
    open();
    db->write([&](store::Transaction& t) { t.put_device_change(running.id, medium); });
    BOOST_TEST((db->device_changes(running.id) == std::vector{change, medium}));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace mshv::testing
