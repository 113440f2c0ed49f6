// SPDX-License-Identifier: Apache-2.0
#include "daemon/domain/lifecycle.hpp"

#include <boost/test/unit_test.hpp>

namespace mshv::domain {
namespace {

using api::Reason;

BOOST_AUTO_TEST_SUITE(lifecycle)

BOOST_AUTO_TEST_CASE(edges_are_followed_and_nothing_else) {
    BOOST_TEST((next_state(State::shutoff, Change::start) == State::starting));
    BOOST_TEST((next_state(State::starting, Change::run) == State::running));
    BOOST_TEST((next_state(State::stopping, Change::end) == State::shutoff));
    BOOST_TEST(!next_state(State::shutoff, Change::run));
    BOOST_TEST(!next_state(State::starting, Change::end));
    BOOST_TEST(!next_state(State::stopping, Change::stop));
}

BOOST_AUTO_TEST_CASE(times_are_readable) {
    BOOST_TEST(format_time(0) == "1970-01-01 00:00:00 UTC");
    BOOST_TEST(format_time(1'763'726'405'999) == "2025-11-21 12:00:05 UTC");
    BOOST_TEST(format_time(-1) == "1969-12-31 23:59:59 UTC");
}

BOOST_AUTO_TEST_CASE(refusals_say_what_is_and_since_when) {
    BOOST_TEST(*why_not(Verb::pause, "web", State::shutoff, Reason::guest_poweroff, 0) ==
               "Partition 'web' is not running (shutoff, guest-poweroff, since "
               "1970-01-01 00:00:00 UTC)");
    BOOST_TEST(*why_not(Verb::start, "web", State::running, Reason::none, 0) ==
               "Partition 'web' is already active (running since 1970-01-01 00:00:00 UTC)");
    BOOST_TEST(*why_not(Verb::unpause, "web", State::running, Reason::none, 0) ==
               "Partition 'web' is not paused (running since 1970-01-01 00:00:00 UTC)");
    BOOST_TEST(!why_not(Verb::pause, "web", State::running, Reason::started, 0));
    BOOST_TEST(hint_for(Verb::pause, State::shutoff) == "start it first");
    BOOST_TEST(hint_for(Verb::shutdown, State::paused) == "unpause it first");
}

/// A verb that moves a partition is allowed only where the table has an edge for it.
BOOST_AUTO_TEST_CASE(verbs_agree_with_edges) {
    for (std::size_t i = 0; i < 8; ++i) {
        const auto state = static_cast<State>(i);
        BOOST_TEST_CONTEXT(api::to_name(state)) {
            BOOST_TEST(allowed(Verb::start, state) == next_state(state, Change::start).has_value());
            BOOST_TEST(allowed(Verb::pause, state) == next_state(state, Change::pause).has_value());
            BOOST_TEST(allowed(Verb::unpause, state) ==
                       (next_state(state, Change::resume).has_value()));
            if (allowed(Verb::destroy, state) && state != State::stopping) {
                BOOST_TEST(next_state(state, Change::stop).has_value());
            }
            if (allowed(Verb::reset, state)) {
                BOOST_TEST(next_state(state, Change::respawn).has_value());
            }
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace mshv::domain
