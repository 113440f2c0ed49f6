// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/store/fixture.hpp"

#include <boost/test/unit_test.hpp>
#include <map>
#include <rapidcheck.h>
#include <string>

namespace mshv::testing {
namespace {

using domain::Change;
using store::Transaction;

struct ModelRow {
    std::string name;
    bool persistent = true;
    api::State state = api::State::shutoff;
    std::string incarnation;
    std::int64_t revision = 1;
};
using Model = std::map<store::PartitionNumber, ModelRow>;

std::string any_name() {
    return "p" + std::to_string(*rc::gen::inRange(0, 4));
}

bool taken(const Model& model, const std::string& name) {
    for (const auto& [id, row] : model) {
        if (row.name == name) {
            return true;
        }
    }
    return false;
}

/// One random unit, applied to the database and to the model.
void step(StoreFixture& fixture, Model& model, int number) {
    const auto pick = [&]() -> Model::iterator {
        return std::next(model.begin(), *rc::gen::inRange<int>(0, static_cast<int>(model.size())));
    };
    const int what = model.empty() ? 0 : *rc::gen::inRange(0, 7);
    if (what == 0) {
        const std::string name = any_name();
        const bool persistent = *rc::gen::arbitrary<bool>();
        const auto code = code_of([&] {
            const auto d = StoreFixture::definition(name);
            const auto id = fixture.db->write([&](Transaction& t) {
                const auto row = t.insert(d, persistent, "t");
                t.change(row.id, Change::start, api::Reason::user, "t");
                t.put_intent(row.id, StoreFixture::intent(store::IntentKind::create,
                                                          "i" + std::to_string(number)));
                return row.id;
            });
            model[id] = {name, persistent, api::State::starting, "i" + std::to_string(number), 1};
        });
        RC_ASSERT(code.has_value() == (code && taken(model, name)));
        return;
    }
    const auto it = pick();
    const auto id = it->first;
    ModelRow& row = it->second;
    store::RunEnd end;
    end.incarnation = row.incarnation;
    end.reason = api::Reason::destroyed;
    if (what == 1 && row.state == api::State::starting) {
        fixture.db->write([&](Transaction& t) {
            t.begin_run(id, StoreFixture::runtime(row.incarnation), "t");
            t.change(id, Change::run, api::Reason::started, "t");
            t.drop_intent(id);
        });
        row.state = api::State::running;
    } else if (what == 2 && row.state == api::State::starting) {
        fixture.db->write([&](Transaction& t) { t.abort_start(id, end); });
        model.erase(it);
    } else if (what == 3) {
        const bool did = fixture.db->write([&](Transaction& t) { return t.end_run(id, end); });
        RC_ASSERT(did == (row.state == api::State::running || row.state == api::State::paused));
        if (did && !row.persistent) {
            model.erase(it);
        } else if (did) {
            row.state = api::State::shutoff;
        }
    } else if (what == 4) {
        const auto why = static_cast<Change>(*rc::gen::inRange(
            static_cast<int>(Change::pause), static_cast<int>(Change::resume) + 1));
        const bool did = fixture.db->write(
            [&](Transaction& t) { return t.change(id, why, api::Reason::user, "t"); });
        const auto next = domain::next_state(row.state, why);
        RC_ASSERT(did == next.has_value());
        row.state = next.value_or(row.state);
    } else if (what == 5) {
        // A unit that fails half-way changes nothing.
        try {
            fixture.db->write([&](Transaction& t) {
                t.change(id, Change::pause, api::Reason::user, "t");
                t.end_run(id, end);
                throw std::runtime_error("half-way");
            });
        } catch (const std::runtime_error&) {
            return;
        }
        RC_FAIL("the unit's own exception is lost");
    } else if (what == 6) {
        // An editor who has seen the present revision, or the one before it.
        const bool stale = *rc::gen::arbitrary<bool>();
        auto d = StoreFixture::definition(row.name);
        d.uuid = fixture.find(id)->uuid;
        const store::Over over{row.revision - (stale ? 1 : 0), false};
        const auto code = code_of(
            [&] { fixture.db->write([&](Transaction& t) { return t.redefine(d, over, "t"); }); });
        RC_ASSERT(code.has_value() == stale);
        if (!stale) {
            ++row.revision;
            row.persistent = true;
        }
    }
}

BOOST_AUTO_TEST_SUITE(properties)

BOOST_AUTO_TEST_CASE(the_database_follows_the_model) {
    BOOST_TEST(rc::check([] {
        StoreFixture fixture;
        Model model;
        const int steps = *rc::gen::inRange(1, 60);
        for (int n = 0; n < steps; ++n) {
            step(fixture, model, n);
            if (*rc::gen::inRange(0, 20) == 0) {
                fixture.open();
            }
        }
        const auto rows = fixture.db->load();
        RC_ASSERT(rows.size() == model.size());
        for (const auto& row : rows) {
            const ModelRow& expected = model.at(row.id);
            RC_ASSERT(row.name == expected.name);
            RC_ASSERT(row.state == expected.state);
            RC_ASSERT(row.persistent == expected.persistent);
            RC_ASSERT(row.revision == expected.revision);
        }
        for (const auto& fault : fixture.db->fsck()) {
            RC_FAIL(fault);
        }
    }));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace mshv::testing
