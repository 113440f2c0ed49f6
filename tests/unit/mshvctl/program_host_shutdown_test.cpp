// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/mshvctl/harness.hpp"
#include "toolstack/libs/api/codec.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <map>
#include <mutex>

namespace {

using namespace mshv;
using test::ProgramFixture;

bool contains(const std::string& text, std::string_view what) {
    return text.find(what) != std::string::npos;
}

http::Response json(std::string body, int status = 200) {
    http::Response response;
    response.status = status;
    response.body = std::move(body);
    return response;
}

/// Partitions that do what the test says, and a list of what they were asked.
struct HostFixture : ProgramFixture {
    struct Guest {
        api::PartitionView view;
        api::PartitionSpec spec;
        api::JobState save = api::JobState::done;
        bool obeys = true; ///< a shutdown at once
        std::string holds; ///< who else ends when this one is asked to shut down
    };
    std::mutex mutex;
    std::map<std::string, Guest> guests;
    std::vector<std::string> asked; ///< "save a", "begun a shutdown, 120 s" …

    HostFixture() {
        daemon.on("GET /v1/partitions", [this](const http::Request&) {
            const std::lock_guard lock(mutex);
            api::PartitionList list;
            for (const auto& [name, guest] : guests) {
                list.partitions.push_back(guest.view);
            }
            return json(api::encode(list));
        });
        daemon.on("GET /v1/events", 200, R"({"events":[],"last_seq":3,"oldest_seq":1})");
    }

    /// `differ` says what is not as usual about it.
    void guest(
        const std::string& name, unsigned order, api::HostAction action,
        api::Escalate escalate = api::Escalate::none, unsigned timeout_s = 120,
        const std::function<void(Guest&)>& differ = [](Guest& /*as usual*/) {}) {
        Guest made;
        made.view.name = name;
        made.view.uuid = api::random_uuid();
        made.view.state = api::State::running;
        made.view.id = static_cast<api::PartitionNumber>(guests.size() + 1);
        made.view.runtime.emplace();
        made.spec.name = name;
        made.spec.autostart.order = order;
        made.spec.shutdown.escalate = escalate;
        made.spec.host_shutdown = {action, timeout_s};
        differ(made);
        {
            const std::lock_guard lock(mutex);
            guests.emplace(name, std::move(made));
        }
        serve(name);
    }

    static void is_deaf(Guest& guest) { guest.obeys = false; }
    static void fails(Guest& guest) { guest.save = api::JobState::failed; }

    std::string say(const std::string& what) {
        asked.push_back(what);
        return what;
    }
    void end(const std::string& name, api::Reason reason) {
        guests[name].view.state = api::State::shutoff;
        guests[name].view.reason = reason;
        guests[name].view.runtime.reset();
    }

    void serve(const std::string& name) {
        const std::string path = "/v1/partitions/uuid:" + api::to_string(guests[name].view.uuid);
        const auto on = [&](const std::string& route,
                            std::function<http::Response(Guest&, const http::Request&)> answer) {
            daemon.on(route, [this, name, answer](const http::Request& request) {
                const std::lock_guard lock(mutex);
                return answer(guests[name], request);
            });
        };
        on("GET " + path + "/spec", [](Guest& guest, const http::Request&) {
            return json(api::encode(api::StoredDefinition{guest.spec, {}, 1}));
        });
        on("POST " + path + "/host-shutdown", [this](Guest& guest, const http::Request& request) {
            const auto note = api::decode<api::HostShutdownRequest>(request.body);
            say(std::string(api::to_name(note.outcome)) + " " + guest.view.name +
                (note.detail.empty() ? "" : " " + note.detail));
            return json(api::encode(guest.view));
        });
        on("POST " + path + "/shutdown", [this](Guest& guest, const http::Request& request) {
            const auto wanted = api::decode<api::ShutdownRequest>(request.body);
            const bool kills =
                wanted.timeout_s == 0U &&
                wanted.escalate.value_or(guest.spec.shutdown.escalate) == api::Escalate::destroy;
            say("shutdown " + guest.view.name + " " + std::to_string(wanted.timeout_s.value_or(0)));
            guest.view.state = api::State::stopping;
            if (kills) {
                end(guest.view.name, api::Reason::destroyed);
            } else if (guest.obeys) {
                end(guest.view.name, api::Reason::shutdown);
            } else if (wanted.timeout_s == 0U) {
                guest.view.state = api::State::running; // given up at once
            }
            if (!guest.holds.empty()) {
                end(guest.holds, api::Reason::shutdown);
            }
            return json(api::encode(guest.view));
        });
        on("POST " + path + "/save", [this](Guest& guest, const http::Request&) {
            say("save " + guest.view.name);
            return json(api::encode(job_of(guest)), 202);
        });
        on("GET /v1/jobs/" + std::to_string(guests[name].view.id),
           [this](Guest& guest, const http::Request&) {
               if (guest.save == api::JobState::done) {
                   end(guest.view.name, api::Reason::saved);
               }
               return json(api::encode(job_of(guest)));
           });
        on("POST /v1/jobs/" + std::to_string(guests[name].view.id) + "/cancel",
           [this](Guest& guest, const http::Request&) {
               say("cancel " + guest.view.name);
               guest.save = api::JobState::cancelled;
               return json(api::encode(job_of(guest)));
           });
    }
    static api::JobView job_of(const Guest& guest) {
        api::JobView job;
        job.id = guest.view.id;
        job.name = guest.view.name;
        job.state = guest.save;
        job.message = guest.save == api::JobState::failed ? "the disk is full" : "";
        return job;
    }
    /// The daemon's threads may still be at the last answer when the program has ended.
    std::vector<std::string> all_asked() {
        const std::lock_guard lock(mutex);
        return asked;
    }
    std::ptrdiff_t place(const std::string& what) {
        const auto all = all_asked();
        const auto found = std::find(all.begin(), all.end(), what);
        BOOST_REQUIRE_MESSAGE(found != all.end(), what);
        return found - all.begin();
    }
    api::State state_of(const std::string& name) {
        const std::lock_guard lock(mutex);
        return guests[name].view.state;
    }
};

using api::Escalate;
using api::HostAction;

BOOST_FIXTURE_TEST_SUITE(host_shutdown, HostFixture)

BOOST_AUTO_TEST_CASE(each_goes_its_own_way_in_the_reverse_order) {
    guest("a", 10, HostAction::save);
    guest("b", 20, HostAction::leave);
    guest("c", 30, HostAction::shutdown);
    guest("d", 30, HostAction::destroy);
    const auto plan = run({"-N", "host-shutdown"});
    BOOST_TEST(plan.status == 0, plan.err);
    BOOST_TEST(all_asked().empty());
    BOOST_TEST(plan.out.find("c ") < plan.out.find("b "), plan.out);
    BOOST_TEST(plan.out.find("b ") < plan.out.find("a "), plan.out);
    const auto done = run({"--json", "host-shutdown"});
    BOOST_TEST(done.status == 0, done.err);
    BOOST_TEST(place("begun c shutdown, 120 s") < place("shutdown c 120"));
    BOOST_TEST(place("shut-down c") < place("begun b leave"));
    BOOST_TEST(place("destroyed d") < place("begun b leave"));
    BOOST_TEST(place("left b") < place("begun a save, 120 s"));
    BOOST_TEST(place("save a") < place("saved a"));
    BOOST_TEST(contains(done.out, R"("name":"b")"), done.out);
    BOOST_TEST(contains(done.out, R"("outcome":"left")"), done.out);
    BOOST_TEST((state_of("b") == api::State::running));
}

BOOST_AUTO_TEST_CASE(a_save_that_fails_becomes_a_shutdown) {
    guest("a", 10, HostAction::save, Escalate::none, 120, fails);
    const auto done = run({"host-shutdown"});
    BOOST_TEST(done.status == 0, done.err);
    BOOST_TEST(place("save a") < place("shutdown a 120"));
    place("shut-down a not saved: the disk is full");
    BOOST_TEST(contains(done.out, "the disk is full"), done.out);
}

BOOST_AUTO_TEST_CASE(a_save_that_takes_too_long_is_undone) {
    guest("a", 10, HostAction::save, Escalate::destroy, 0, [](Guest& slow) {
        slow.save = api::JobState::running;
        slow.obeys = false;
    });
    const auto done = run({"host-shutdown"});
    BOOST_TEST(done.status == 0, done.err);
    place("destroyed a there was no time to save it");
}

BOOST_AUTO_TEST_CASE(nobody_waits_for_a_slow_one_of_the_same_place) {
    // "slow" ends only when the other's failed save has been looked at, and it was asked.
    guest("slow", 10, HostAction::shutdown, Escalate::none, 120, is_deaf);
    guest("z", 10, HostAction::save, Escalate::none, 120, [](Guest& other) {
        other.save = api::JobState::failed;
        other.holds = "slow";
    });
    const auto done = run({"host-shutdown", "--deadline", "60"});
    BOOST_TEST(done.status == 0, done.err);
    BOOST_TEST(place("shutdown slow 60") < place("shutdown z 60"));
    place("shut-down slow");
}

BOOST_AUTO_TEST_CASE(at_the_deadline_each_ends_or_is_left_as_it_says) {
    guest("kept", 20, HostAction::shutdown, Escalate::none, 120, is_deaf);
    guest("killed", 20, HostAction::shutdown, Escalate::destroy, 120, is_deaf);
    guest("late", 10, HostAction::save, Escalate::destroy, 120, is_deaf);
    guest("leave", 10, HostAction::leave, Escalate::destroy);
    const auto done = run({"host-shutdown", "--deadline", "0"});
    BOOST_TEST(done.status != 0);
    BOOST_TEST(contains(done.err, "1 of 4 partitions did not end: kept"), done.err);
    place("left kept it did not shut itself down in time");
    place("destroyed killed");
    place("destroyed late there was no time to save it");
    place("left leave");
}

BOOST_AUTO_TEST_CASE(nothing_runs) {
    const auto done = run({"--json", "host-shutdown"});
    BOOST_TEST(done.status == 0, done.err);
    BOOST_TEST(contains(done.out, R"("items":[])"), done.out);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
