// SPDX-License-Identifier: Apache-2.0
#include "daemon/domain/shutdown_ladder.hpp"

#include <boost/test/unit_test.hpp>

namespace mshv::domain {
namespace {

using api::ShutdownMethod;
using Action = LadderStep::Action;

ShutdownLadder two_rungs() {
    return {{ShutdownMethod::agent, ShutdownMethod::acpi}, 1000, 61'000, 15, api::Escalate::none};
}

BOOST_AUTO_TEST_SUITE(shutdown_ladder)

BOOST_AUTO_TEST_CASE(a_guest_that_does_not_listen_gets_the_next_method) {
    const ShutdownLadder ladder = two_rungs();
    LadderProgress progress;
    LadderStep step = next_step(ladder, progress, 1000);
    BOOST_TEST((step.action == Action::send && step.method == 0));
    record_send(ladder, progress, true, 1000);
    step = next_step(ladder, progress, 1001);
    BOOST_TEST((step.action == Action::wait && step.wake_at == 16'000));
    step = next_step(ladder, progress, 16'000);
    BOOST_TEST((step.action == Action::send && step.method == 1));
    record_send(ladder, progress, true, 16'000);
    step = next_step(ladder, progress, 31'000);
    BOOST_TEST((step.action == Action::send && step.method == 1)); // the last one is repeated
}

BOOST_AUTO_TEST_CASE(a_method_that_is_refused_is_followed_by_the_next_at_once) {
    const ShutdownLadder ladder = two_rungs();
    LadderProgress progress;
    record_send(ladder, progress, false, 1000);
    LadderStep step = next_step(ladder, progress, 1000);
    BOOST_TEST((step.action == Action::send && step.method == 1));
    record_send(ladder, progress, false, 1000);
    step = next_step(ladder, progress, 1000); // all were refused: not in a busy loop
    BOOST_TEST((step.action == Action::wait && step.wake_at == 16'000));
}

BOOST_AUTO_TEST_CASE(the_deadline_ends_it) {
    ShutdownLadder ladder = two_rungs();
    BOOST_TEST((next_step(ladder, {}, 61'000).action == Action::give_up));
    ladder.escalate = api::Escalate::destroy;
    BOOST_TEST((next_step(ladder, {}, 61'000).action == Action::escalate));
    // A wait never goes past it.
    ladder.deadline = 5000;
    LadderProgress progress;
    record_send(ladder, progress, true, 1000);
    BOOST_TEST(next_step(ladder, progress, 2000).wake_at == 5000);
}

BOOST_AUTO_TEST_CASE(another_daemon_goes_on_where_the_time_says) {
    const LadderStep step = next_step(two_rungs(), {}, 20'000);
    BOOST_TEST((step.action == Action::send && step.method == 1));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
} // namespace mshv::domain
