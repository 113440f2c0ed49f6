// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/control/world.hpp"

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <map>
#include <rapidcheck.h>
#include <string>

// Random operations of users, guests and daemons against a model of what a partition is.

namespace mshv::testing {
namespace {

using api::ErrorCode;
using api::State;

struct ModelPartition {
    bool persistent = true;
    State state = State::shutoff;
};
using Model = std::map<std::string, ModelPartition>;

/// What the model says a call must answer; empty = success.
using Expectation = std::optional<ErrorCode>;

template <typename F>
Expectation outcome(F call) {
    try {
        call();
        return std::nullopt;
    } catch (const api::Error& error) {
        return error.code();
    }
}

Expectation expected(const Model& model, const std::string& name, std::initializer_list<State> in) {
    const auto it = model.find(name);
    if (it == model.end()) {
        return ErrorCode::not_found;
    }
    for (const State state : in) {
        if (it->second.state == state) {
            return std::nullopt;
        }
    }
    return ErrorCode::wrong_state;
}

void end(Model& model, const std::string& name, State state) {
    if (model.at(name).persistent) {
        model.at(name).state = state;
    } else {
        model.erase(name);
    }
}

void user_step(World& world, Model& model, const std::string& name, int what) {
    const auto call = [&](Expectation wanted, auto&& operation) {
        const Expectation got = outcome(operation);
        RC_ASSERT(got == wanted);
        return !got;
    };
    const Expectation free = model.contains(name) ? Expectation(ErrorCode::exists) : std::nullopt;
    const auto live = {State::running, State::paused};
    switch (what) {
    case 0:
        if (call(free, [&] { world.define(name); })) {
            model[name] = {true, State::shutoff};
        }
        break;
    case 1:
        if (call(free, [&] { world.create(name); })) {
            model[name] = {false, State::running};
        }
        break;
    case 2:
        if (call(expected(model, name, {State::shutoff, State::crashed}),
                 [&] { world.start(name); })) {
            model.at(name).state = State::running;
        }
        break;
    case 3:
        if (call(expected(model, name, live), [&] { world.destroy(name); })) {
            end(model, name, State::shutoff);
        }
        break;
    case 4:
        if (call(expected(model, name, {State::running}),
                 [&] { world.service().pause(by_name(name), tester, soon()); })) {
            model.at(name).state = State::paused;
        }
        break;
    case 5:
        if (call(expected(model, name, {State::paused}),
                 [&] { world.service().unpause(by_name(name), tester, soon()); })) {
            model.at(name).state = State::running;
        }
        break;
    default:
        if (call(model.contains(name) ? std::nullopt : Expectation(ErrorCode::not_found),
                 [&] { world.service().undefine(by_name(name), {}, tester, soon()); })) {
            ModelPartition& partition = model.at(name);
            if (partition.state == State::shutoff || partition.state == State::crashed) {
                model.erase(name);
            } else {
                partition.persistent = false;
            }
        }
    }
}

/// Guests and VMMs end, with a daemon or without one.
void world_step(World& world, Model& model, const std::string& name, int what) {
    const auto it = model.find(name);
    const bool live = it != model.end() &&
                      (it->second.state == State::running || it->second.state == State::paused);
    const auto uuid = live ? world.get(name).uuid : api::Uuid{};
    const bool with_daemon = *rc::gen::arbitrary<bool>();
    if (!with_daemon) {
        world.stop_daemon();
    }
    const bool crash = what == 7;
    const bool transient = live && !it->second.persistent;
    if (live && crash) {
        world.machine().vmm_dies(uuid, SIGKILL);
    } else if (live && what == 8) {
        world.machine().guest_poweroff(uuid);
    }
    if (!with_daemon) {
        world.start_daemon();
    }
    if (live && what <= 8) {
        end(model, name, crash ? State::crashed : State::shutoff);
        if (transient) {
            world.wait_gone(name);
        } else {
            world.wait(name, crash ? State::crashed : State::shutoff);
        }
    }
}

BOOST_AUTO_TEST_SUITE(properties)

BOOST_AUTO_TEST_CASE(the_daemon_follows_the_model) {
    BOOST_TEST(rc::check([] {
        World world;
        Model model;
        const int steps = *rc::gen::inRange(1, 50);
        for (int n = 0; n < steps; ++n) {
            const std::string name = "p" + std::to_string(*rc::gen::inRange(0, 3));
            const int what = *rc::gen::inRange(0, 10);
            if (what < 7) {
                user_step(world, model, name, what);
            } else {
                world_step(world, model, name, what);
            }
        }
        RC_ASSERT(world.store().load().size() == model.size());
        for (const auto& [name, partition] : model) {
            RC_ASSERT(world.get(name).state == partition.state);
            RC_ASSERT(world.get(name).persistent == partition.persistent);
        }
        RC_ASSERT(world.released());
        for (const auto& fault : broken_invariants(world)) {
            RC_FAIL(fault);
        }
    }));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace mshv::testing
