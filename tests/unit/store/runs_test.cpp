// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/store/fixture.hpp"

#include <boost/test/unit_test.hpp>

namespace mshv::testing {
namespace {

using api::ErrorCode;
using api::Reason;
using api::State;
using domain::Change;
using store::Transaction;

store::RunEnd end_of(const std::string& incarnation, Change change, Reason reason) {
    store::RunEnd end;
    end.incarnation = incarnation;
    end.change = change;
    end.reason = reason;
    end.signal = 9;
    end.detail = "last words";
    end.actor = "keeper";
    end.at_ms = 1234;
    return end;
}

BOOST_FIXTURE_TEST_SUITE(runs, StoreFixture)

BOOST_AUTO_TEST_CASE(changes_follow_the_table) {
    const auto row = define("web");
    db->write([&](Transaction& t) {
        BOOST_TEST(!t.change(row.id, Change::run, Reason::started, "t"));
        BOOST_TEST(t.change(row.id, Change::start, Reason::user, "t"));
        BOOST_TEST(!t.change(row.id, Change::start, Reason::user, "t"));
        t.put_intent(row.id, intent(store::IntentKind::start, "i"));
    });
    const auto now = find(row.id);
    BOOST_TEST((now->state == State::starting));
    BOOST_REQUIRE(now->intent.has_value());
    BOOST_TEST((*now->intent == intent(store::IntentKind::start, "i")));
    const auto events = db->events(0, 0, row.uuid).events;
    BOOST_REQUIRE(events.size() == 2); // defined, and one change
    BOOST_TEST((events[1].from == State::shutoff && events[1].to == State::starting));
}

BOOST_AUTO_TEST_CASE(a_run_is_read_back_as_it_was_written) {
    const auto row = run("web");
    BOOST_TEST((row.state == State::running));
    BOOST_REQUIRE(row.runtime.has_value());
    BOOST_TEST((*row.runtime == runtime("inc-web")));
    store::Runtime later = runtime("inc-web");
    later.generation = 3;
    later.acked_seq = 17;
    later.responsive = false;
    db->write([&](Transaction& t) { t.update_run(row.id, later); });
    open();
    BOOST_TEST((*db->load()[0].runtime == later));
    BOOST_TEST(db->fsck().empty());
}

BOOST_AUTO_TEST_CASE(an_end_is_recorded_once) {
    const auto row = run("web");
    const auto end = end_of("inc-web", Change::fail, Reason::vmm_killed);
    BOOST_TEST(db->write([&](Transaction& t) { return t.end_run(row.id, end); }));
    BOOST_TEST(!db->write([&](Transaction& t) { return t.end_run(row.id, end); }));
    const auto now = find(row.id);
    BOOST_TEST((now->state == State::crashed));
    BOOST_TEST(!now->runtime);
    BOOST_REQUIRE(now->last_exit.has_value());
    BOOST_TEST(now->last_exit->at_ms == 1234);
    BOOST_TEST(*now->last_exit->signal == 9);
    const auto history = db->history("web", 10);
    BOOST_REQUIRE(history.size() == 1);
    BOOST_TEST(*history[0].ended_ms == 1234);
    BOOST_TEST((history[0].reason == Reason::vmm_killed));
    BOOST_TEST(history[0].detail == "last words");
    BOOST_TEST(db->fsck().empty());
}

BOOST_AUTO_TEST_CASE(another_runs_end_is_not_this_ones) {
    const auto row = run("web");
    const auto end = end_of("an older one", Change::end, Reason::destroyed);
    BOOST_TEST(!db->write([&](Transaction& t) { return t.end_run(row.id, end); }));
    BOOST_TEST((find(row.id)->state == State::running));
}

BOOST_AUTO_TEST_CASE(a_transient_one_goes_with_its_run_and_stays_in_the_history) {
    const auto row = run("web", false);
    db->write([&](Transaction& t) {
        return t.end_run(row.id, end_of("inc-web", Change::end, Reason::guest_poweroff));
    });
    BOOST_TEST(db->load().empty());
    BOOST_TEST(db->history(api::to_string(row.uuid), 10).size() == 1);
    define("web"); // the name is free again
    BOOST_TEST(db->fsck().empty());
}

BOOST_AUTO_TEST_CASE(what_runs_is_not_removed) {
    const auto row = run("web");
    BOOST_TEST((code_of([&] { db->write([&](Transaction& t) { t.remove(row.id, "x", "t"); }); }) ==
                ErrorCode::wrong_state));
    BOOST_TEST(db->load().size() == 1);
}

BOOST_AUTO_TEST_CASE(a_start_that_came_to_nothing) {
    const auto kept = define("kept");
    const auto made = define("made", false);
    db->write([&](Transaction& t) {
        t.change(kept.id, Change::start, Reason::user, "t");
        t.put_intent(kept.id, intent(store::IntentKind::start, "i1"));
        t.change(made.id, Change::start, Reason::user, "t");
        t.put_intent(made.id, intent(store::IntentKind::create, "i2"));
    });
    db->write([&](Transaction& t) {
        t.abort_start(kept.id, end_of("i1", Change::abort, Reason::start_failed));
        t.abort_start(made.id, end_of("i2", Change::abort, Reason::start_failed));
    });
    const auto rows = db->load();
    BOOST_REQUIRE(rows.size() == 1);
    BOOST_TEST((rows[0].state == State::shutoff && rows[0].reason == Reason::start_failed));
    BOOST_TEST(!rows[0].intent);
    BOOST_TEST(db->history("made", 1).size() == 1);
    BOOST_TEST(db->fsck().empty());
}

BOOST_AUTO_TEST_CASE(a_restart_keeps_what_waits_for_it) {
    const auto kept = run("kept");
    const auto once = run("once", false);
    db->write([&](Transaction& t) {
        for (const auto* row : {&kept, &once}) {
            auto end = end_of("inc-" + row->name, Change::fail, Reason::keeper_lost);
            end.restart = intent(store::IntentKind::restart, "");
            t.end_run(row->id, end);
        }
    });
    for (const auto& row : db->load()) {
        BOOST_TEST((row.state == State::crashed && !row.runtime));
        BOOST_TEST((row.intent && row.intent->kind == store::IntentKind::restart));
    }
    BOOST_TEST(db->load().size() == 2); // the transient one, too
    BOOST_TEST(db->fsck().empty());
    const auto gone = end_of("", Change::end, Reason::destroyed);
    const auto cancel = [&](store::PartitionNumber id) {
        return db->write([&](Transaction& t) { return t.cancel_restart(id, gone); });
    };
    BOOST_TEST(cancel(kept.id));
    BOOST_TEST(cancel(once.id));
    BOOST_TEST(!cancel(kept.id));
    BOOST_TEST(!cancel(once.id));
    const auto rows = db->load();
    BOOST_REQUIRE(rows.size() == 1);
    BOOST_TEST((rows[0].state == State::shutoff && rows[0].reason == Reason::destroyed));
    BOOST_TEST(!rows[0].intent);
    BOOST_TEST(db->fsck().empty());
}

/// "rw file 1:2" in the words of a claim; r reads, w writes, s shares.
domain::DiskClaim claim_of(const std::string& how, const std::string& base, std::int64_t first = 0,
                           std::int64_t past = INT64_MAX) {
    domain::DiskClaim claim;
    claim.device = "vda";
    claim.path = "/by/" + how;
    claim.node = base;
    claim.self = {base, first, past};
    claim.writes = how.find('w') != std::string::npos;
    claim.shares = how.find('s') != std::string::npos;
    return claim;
}

BOOST_AUTO_TEST_CASE(a_disk_has_one_writer) {
    const auto a = run("a");
    const auto b = run("b");
    const auto claim = [&](store::PartitionNumber id, const domain::DiskClaim& wanted) {
        return code_of([&] { db->write([&](Transaction& t) { t.claim_disks(id, {wanted}); }); });
    };
    const auto release = [&](store::PartitionNumber id) {
        db->write([&](Transaction& t) { t.release_disk(id, "vda"); });
    };
    const std::string file = "file 1:2";
    struct Pair {
        const char* first;
        const char* second;
        bool refused;
    };
    for (const Pair& pair :
         {Pair{"w", "w", true}, Pair{"w", "r", true}, Pair{"r", "w", true}, Pair{"r", "r", false},
          Pair{"ws", "ws", false}, Pair{"ws", "w", true}, Pair{"w", "ws", true},
          Pair{"ws", "r", true}, Pair{"ws", "rs", false}, Pair{"rs", "ws", false},
          Pair{"rs", "w", true}, Pair{"w", "rs", true}}) {
        BOOST_TEST_CONTEXT(pair.first << " then " << pair.second) {
            BOOST_TEST(!claim(a.id, claim_of(pair.first, file)));
            const auto own = claim(a.id, claim_of(pair.second, file));
            const auto other = claim(b.id, claim_of(pair.second, file));
            BOOST_TEST((other == ErrorCode::exists) == pair.refused);
            BOOST_TEST((own == ErrorCode::invalid) == pair.refused);
            BOOST_TEST(db->fsck().empty());
            release(a.id);
            release(b.id);
        }
    }
    BOOST_TEST(!claim(a.id, claim_of("w", file)));
    db->write([&](Transaction& t) {
        return t.end_run(a.id, end_of("inc-a", Change::end, Reason::destroyed));
    });
    BOOST_TEST(!claim(b.id, claim_of("w", file)));
}

BOOST_AUTO_TEST_CASE(parts_of_a_disk_meet_the_whole_and_not_each_other) {
    const auto a = run("a");
    const auto b = run("b");
    const auto claim = [&](store::PartitionNumber id, const domain::DiskClaim& wanted) {
        return code_of([&] { db->write([&](Transaction& t) { t.claim_disks(id, {wanted}); }); });
    };
    const std::string disk = "device 8:0";
    BOOST_TEST(!claim(a.id, claim_of("w", disk, 1000, 2000)));
    BOOST_TEST((claim(b.id, claim_of("w", disk)) == ErrorCode::exists));
    BOOST_TEST((claim(b.id, claim_of("w", disk, 1999, 3000)) == ErrorCode::exists));
    BOOST_TEST((claim(b.id, claim_of("w", disk, 0, 1001)) == ErrorCode::exists));
    BOOST_TEST(!claim(b.id, claim_of("w", disk, 2000, 3000)));
    BOOST_TEST(!claim(b.id, claim_of("w", disk, 0, 1000)));
    // Two volumes of one group are apart; who has the disk below meets both.
    auto volume = claim_of("w", "device 253:0");
    volume.made_of = {{"device 8:16", 0, INT64_MAX}};
    auto sibling = claim_of("w", "device 253:1");
    sibling.made_of = volume.made_of;
    BOOST_TEST(!claim(a.id, volume));
    BOOST_TEST(!claim(b.id, sibling));
    BOOST_TEST((claim(b.id, claim_of("w", "device 8:16", 512, 1024)) == ErrorCode::exists));
    db->write([&](Transaction& t) {
        t.release_disk(a.id, "vda");
        t.release_disk(b.id, "vda");
    });
    BOOST_TEST(!claim(a.id, claim_of("w", "device 8:16")));
    BOOST_TEST((claim(b.id, volume) == ErrorCode::exists));
    BOOST_TEST(db->fsck().empty());
}

BOOST_AUTO_TEST_CASE(who_is_refused_hears_the_holder_and_its_path) {
    const auto a = run("holder");
    const auto b = run("b");
    const auto text = [&](const char* first, const char* second) {
        db->write([&](Transaction& t) { t.claim_disks(a.id, {claim_of(first, "file 1:2")}); });
        std::string said;
        try {
            db->write([&](Transaction& t) { t.claim_disks(b.id, {claim_of(second, "file 1:2")}); });
        } catch (const api::Error& error) {
            said = error.message();
        }
        db->write([&](Transaction& t) { t.release_disk(a.id, "vda"); });
        return said;
    };
    BOOST_TEST(text("w", "r") ==
               "The disk /by/r is being written by the partition 'holder' as /by/w");
    BOOST_TEST(text("r", "w") == "The disk /by/w is being read by the partition 'holder' as /by/r");
    BOOST_TEST(text("w", "w") == "The disk /by/w is being written by the partition 'holder'");
}

BOOST_AUTO_TEST_CASE(a_definition_is_replaced_renamed_and_made_transient) {
    auto d = definition("web");
    d.macs = {"52:54:00:00:00:01"};
    d.labels = {{"a", "1"}};
    const auto row = db->write([&](Transaction& t) { return t.insert(d, true, "t"); });
    d.labels = {{"b", "2"}};
    d.memory = 5;
    db->write([&](Transaction& t) { t.redefine(d, {}, "t"); });
    BOOST_TEST(find(row.id)->labels.count("a") == 0);
    BOOST_TEST(find(row.id)->memory == 5);
    define("taken");
    const auto rename = [&](const std::string& name) {
        return code_of(
            [&] { db->write([&](Transaction& t) { t.rename(row.id, name, "{}", "t"); }); });
    };
    BOOST_TEST((rename("taken") == ErrorCode::exists));
    BOOST_TEST(!rename("other"));
    BOOST_TEST(find(row.id)->name == "other");
    const auto live = run("live");
    db->write([&](Transaction& t) { t.make_transient(live.id, "t"); });
    BOOST_TEST(!find(live.id)->persistent);
    BOOST_TEST(db->fsck().empty());
}

BOOST_AUTO_TEST_CASE(a_host_that_went_down_is_remembered) {
    const auto row = run("web");
    auto end = end_of("inc-web", Change::end, Reason::host_reboot);
    end.host_gone = true;
    db->write([&](Transaction& t) { return t.end_run(row.id, end); });
    BOOST_TEST(find(row.id)->was_running);
    db->write([&](Transaction& t) {
        t.set_autostart_done(row.id, "boot-2");
        t.set_meta("key", "value");
    });
    BOOST_TEST(find(row.id)->autostart_boot == "boot-2");
    BOOST_TEST(db->write([](Transaction& t) { return t.meta("key"); }).value() == "value");
    BOOST_TEST(!db->write([](Transaction& t) { return t.meta("other"); }));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace mshv::testing
