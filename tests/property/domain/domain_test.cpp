// SPDX-License-Identifier: Apache-2.0
#include "daemon/domain/canonicalise.hpp"
#include "daemon/domain/lifecycle.hpp"
#include "daemon/domain/shutdown_ladder.hpp"
#include "daemon/domain/validate.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <rapidcheck.h>
#include <string>

namespace mshv::domain {
namespace {

BOOST_AUTO_TEST_SUITE(properties)

/// However a partition got where it is, there is a way to shutoff of at most four changes.
BOOST_AUTO_TEST_CASE(every_walk_can_end) {
    BOOST_TEST(rc::check([] {
        State state = State::shutoff;
        const auto steps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 13));
        for (const int step : steps) {
            state = next_state(state, static_cast<Change>(step)).value_or(state);
        }
        if (state == State::starting) {
            state = next_state(state, Change::abort).value();
        }
        if (is_live(state)) {
            RC_ASSERT(allowed(Verb::destroy, state));
            state = next_state(state, Change::stop).value_or(state);
            RC_ASSERT(state == State::stopping);
            state = next_state(state, Change::end).value();
        }
        RC_ASSERT(state == State::shutoff || state == State::crashed);
        RC_ASSERT(allowed(Verb::start, state));
    }));
}

/// Exactly one of: allowed, or a sentence that names partition and state.
BOOST_AUTO_TEST_CASE(refusals_are_complete) {
    BOOST_TEST(rc::check([](std::int64_t since) {
        const auto verb = static_cast<Verb>(*rc::gen::inRange(0, 14));
        const auto state = static_cast<State>(*rc::gen::inRange(0, 8));
        since %= 4'000'000'000'000;
        const auto why = why_not(verb, "web", state, api::Reason::user, since);
        RC_ASSERT(why.has_value() != allowed(verb, state));
        if (why) {
            RC_ASSERT(why->find("'web'") != std::string::npos);
            RC_ASSERT(why->find(api::to_name(state)) != std::string::npos);
        }
    }));
}

/// A ladder asks at least once if there is time, never busily, never after its deadline, and ends.
BOOST_AUTO_TEST_CASE(ladders_end) {
    BOOST_TEST(rc::check([](const std::vector<bool>& delivered) {
        ShutdownLadder ladder;
        ladder.methods.resize(static_cast<std::size_t>(*rc::gen::inRange(1, 3)));
        ladder.started = *rc::gen::inRange(0, 1'000'000);
        const int timeout = *rc::gen::inRange(1, 600);
        ladder.deadline = ladder.started + timeout * 1000LL;
        ladder.resend_s = static_cast<unsigned>(*rc::gen::inRange(0, 60));
        ladder.escalate = *rc::gen::element(api::Escalate::none, api::Escalate::destroy);
        LadderProgress progress;
        std::int64_t now = ladder.started;
        std::size_t sends = 0;
        std::size_t sends_at_once = 0;
        for (int turn = 0; turn < 5000; ++turn) {
            const LadderStep step = next_step(ladder, progress, now);
            if (step.action == LadderStep::Action::send) {
                RC_ASSERT(now < ladder.deadline);
                RC_ASSERT(step.method < ladder.methods.size());
                const bool taken = sends < delivered.size() && delivered[sends];
                record_send(ladder, progress, taken, now);
                ++sends;
                RC_ASSERT(++sends_at_once <= ladder.methods.size());
            } else if (step.action == LadderStep::Action::wait) {
                RC_ASSERT(step.wake_at > now);
                RC_ASSERT(step.wake_at <= ladder.deadline);
                now = step.wake_at;
                sends_at_once = 0;
            } else {
                RC_ASSERT(now >= ladder.deadline);
                RC_ASSERT((step.action == LadderStep::Action::escalate) ==
                          (ladder.escalate == api::Escalate::destroy));
                RC_ASSERT(sends > 0U);
                return;
            }
        }
        RC_FAIL("the ladder does not end");
    }));
}

/// Canonical once is canonical for ever, and nothing that was given is changed but a MAC's case.
BOOST_AUTO_TEST_CASE(canonicalise_is_idempotent) {
    BOOST_TEST(rc::check([](std::uint64_t seed) {
        api::PartitionSpec spec;
        spec.name = "web";
        spec.memory.size = mebibyte;
        spec.devices.disks.resize(static_cast<std::size_t>(*rc::gen::inRange(0, 20)));
        for (std::size_t i = 0; i < spec.devices.disks.size(); ++i) {
            spec.devices.disks[i].path = "/d" + std::to_string(i);
            spec.devices.disks[i].bus = *rc::gen::element(api::DiskBus::virtio, api::DiskBus::sata);
        }
        spec.devices.nics.resize(static_cast<std::size_t>(*rc::gen::inRange(0, 20)));
        const Random random = [&seed] {
            seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
            return seed >> 16;
        };
        canonicalise(spec, random);
        const auto once = spec;
        canonicalise(spec, random);
        RC_ASSERT(spec == once);
        for (const auto& problem : validate(spec)) {
            RC_FAIL(problem.where + ": " + problem.message);
        }
    }));
}

/// Whatever bytes a client sends as texts, validation ends, and what passes is safe to hand on.
BOOST_AUTO_TEST_CASE(what_passes_has_no_control_characters) {
    BOOST_TEST(rc::check([](const std::string& text) {
        api::PartitionSpec spec;
        spec.name = "web";
        spec.memory.size = mebibyte;
        spec.title = text;
        spec.boot.kernel = "/" + text;
        canonicalise(spec, [n = std::uint64_t{0}]() mutable { return ++n; });
        const bool bad = std::any_of(text.begin(), text.end(), [](char c) {
            return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
        });
        RC_ASSERT(!bad || !validate(spec).empty());
    }));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace mshv::domain
