// SPDX-License-Identifier: Apache-2.0
#include "daemon/keeper/policy.hpp"

#include <boost/test/unit_test.hpp>
#include <csignal>

using namespace mshv::keeper;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Kind = EndCause::Kind;

namespace {

const EndJudge::Time start{};

EndCause cause(Kind kind, const char* why) {
    return {kind, why};
}
const EndCause poweroff = cause(Kind::poweroff, reason::guest_poweroff);
const EndCause reboot = cause(Kind::reboot, reason::guest_reboot);
const EndCause panic = cause(Kind::crash, reason::guest_panic);

bool finishes(const Verdict& verdict, std::string_view why) {
    return verdict.action == Verdict::Action::finish && verdict.reason == why;
}

bool respawns(const Verdict& verdict, milliseconds delay, std::string_view why) {
    return verdict.action == Verdict::Action::respawn && verdict.delay == delay &&
           verdict.reason == why;
}

} // namespace

BOOST_AUTO_TEST_SUITE(policy)

BOOST_AUTO_TEST_CASE(what_shutdown_reasons_mean) {
    BOOST_TEST((cause_of_shutdown("guest-shutdown") == poweroff));
    BOOST_TEST((cause_of_shutdown("guest-reset") == reboot));
    BOOST_TEST((cause_of_shutdown("host-qmp-system-reset") == reboot));
    BOOST_TEST((cause_of_shutdown("guest-panic") == panic));
    BOOST_TEST((cause_of_shutdown("host-qmp-quit") == cause(Kind::final, reason::destroyed)));
    BOOST_TEST((cause_of_shutdown("host-signal") == cause(Kind::crash, reason::vmm_killed)));
    BOOST_TEST((cause_of_shutdown("never heard of") == cause(Kind::crash, reason::vmm_failed)));
}

BOOST_AUTO_TEST_CASE(what_exits_mean) {
    BOOST_TEST(cause_of_exit(true, SIGSEGV).reason == reason::vmm_failed);
    BOOST_TEST(cause_of_exit(true, SIGSYS).reason == reason::vmm_failed);
    BOOST_TEST(cause_of_exit(true, SIGKILL).reason == reason::vmm_killed);
    BOOST_TEST(cause_of_exit(false, 1).reason == reason::vmm_failed);
    BOOST_TEST(cause_of_exit(false, 9).reason == reason::vmm_failed); // a status, no signal
    // By the exit port; QEMU's own failures are 1.
    BOOST_TEST(cause_of_exit(false, 9, true).reason == reason::guest_poweroff);
    BOOST_TEST(cause_of_exit(false, 1, true).reason == reason::vmm_failed);
    BOOST_TEST(cause_of_exit(true, 9, true).reason == reason::vmm_killed);
}

BOOST_AUTO_TEST_CASE(defaults) {
    EndJudge judge{Policy{}};
    BOOST_TEST(finishes(judge.judge(poweroff, Expected::nothing, start), "guest-poweroff"));
    BOOST_TEST(respawns(judge.judge(reboot, Expected::nothing, start), {}, "guest-reboot"));
    BOOST_TEST(finishes(judge.judge(panic, Expected::nothing, start), "guest-panic"));
}

BOOST_AUTO_TEST_CASE(restart_policy_overrules_destroy) {
    Policy policy;
    policy.restart = "on-failure";
    EndJudge judge{policy};
    BOOST_TEST(respawns(judge.judge(panic, Expected::nothing, start), seconds(2), "restarted"));
    BOOST_TEST(finishes(judge.judge(poweroff, Expected::nothing, start), "guest-poweroff"));
    policy.restart = "always";
    judge.set_policy(policy);
    BOOST_TEST(
        (judge.judge(poweroff, Expected::nothing, start).action == Verdict::Action::respawn));
}

BOOST_AUTO_TEST_CASE(delay_doubles_to_its_bound_and_the_limit_ends_it) {
    Policy policy;
    policy.on_crash = "restart";
    policy.delay_ms = 1000;
    policy.max_delay_ms = 3000;
    policy.limit = 4;
    policy.window_ms = 100000;
    EndJudge judge{policy};
    auto now = start;
    for (const long expected : {1000L, 2000L, 3000L, 3000L}) {
        now += seconds(5);
        BOOST_TEST(judge.judge(panic, Expected::nothing, now).delay.count() == expected);
    }
    BOOST_TEST(finishes(judge.judge(panic, Expected::nothing, now), "restart-limit"));
    // The first two have left the window: two count, so the delay is its third.
    now = start + seconds(110);
    BOOST_TEST(judge.judge(panic, Expected::nothing, now).delay.count() == 3000);
}

BOOST_AUTO_TEST_CASE(a_reboot_is_free_until_the_limit) {
    Policy policy;
    policy.limit = 3;
    EndJudge judge{policy};
    for (int i = 0; i < 3; ++i) {
        BOOST_TEST(respawns(judge.judge(reboot, Expected::nothing, start), {}, "guest-reboot"));
    }
    BOOST_TEST(finishes(judge.judge(reboot, Expected::nothing, start), "restart-limit"));
}

BOOST_AUTO_TEST_CASE(reset_and_kill_obey_nobody) {
    Policy policy;
    policy.limit = 0;
    policy.on_reboot = "destroy";
    policy.on_crash = "restart";
    EndJudge judge{policy};
    BOOST_TEST(respawns(judge.judge(cause(Kind::reset, reason::user), Expected::nothing, start), {},
                        "user"));
    BOOST_TEST(finishes(judge.judge(cause(Kind::final, "destroyed"), Expected::nothing, start),
                        "destroyed"));
}

BOOST_AUTO_TEST_CASE(what_was_expected) {
    Policy policy;
    policy.on_poweroff = "restart";
    policy.on_reboot = "destroy";
    policy.restart = "always";
    EndJudge judge{policy};
    BOOST_TEST(finishes(judge.judge(poweroff, Expected::shutdown, start), "shutdown"));
    BOOST_TEST(finishes(judge.judge(panic, Expected::shutdown, start), "guest-panic"));
    BOOST_TEST(finishes(judge.judge(reboot, Expected::nothing, start), "guest-reboot"));
    BOOST_TEST(respawns(judge.judge(reboot, Expected::reboot, start), {}, "guest-reboot"));
}

BOOST_AUTO_TEST_CASE(what_is_preserved) {
    Policy policy;
    policy.on_poweroff = policy.on_reboot = policy.on_crash = "preserve";
    EndJudge judge{policy};
    BOOST_TEST(judge.preserves(poweroff, Expected::nothing));
    BOOST_TEST(judge.preserves(panic, Expected::nothing));
    BOOST_TEST(judge.preserves(reboot, Expected::nothing));
    BOOST_TEST(!judge.preserves(reboot, Expected::reboot));
    BOOST_TEST(!judge.preserves(cause(Kind::final, "destroyed"), Expected::nothing));
    BOOST_TEST(!EndJudge{Policy{}}.preserves(panic, Expected::nothing));
}

BOOST_AUTO_TEST_SUITE_END()
