// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/keeper/harness.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <csignal>
#include <ostream>

using namespace mshv::keeper;
using namespace mshv::keeper::test;
namespace data = boost::unit_test::data;

BOOST_AUTO_TEST_SUITE(process_fault)

BOOST_AUTO_TEST_CASE(a_start_that_fails_says_why_and_is_not_repeated) {
    Partition partition("fakevmm.exit-before-ready=3 fakevmm.stderr=no-such-machine");
    partition.spec.policy.restart = "always";
    partition.launch();
    auto daemon = partition.connect();
    daemon->hello();
    const auto exited = daemon->event("vmm-exited");
    BOOST_TEST(exited.text("reason") == "start-failed");
    BOOST_TEST(exited.number("exit_code").value() == 3);
    BOOST_TEST(exited.text("detail").find("no-such-machine") != std::string::npos);
    BOOST_TEST(daemon->event("finished").text("reason") == "start-failed");
    BOOST_TEST(partition.record(exit_file).number("exit_code").value() == 3);
}

BOOST_AUTO_TEST_CASE(a_program_that_is_not_there) {
    Partition partition;
    partition.spec.program = "/no/such/vmm";
    partition.launch();
    auto daemon = partition.connect();
    daemon->hello();
    const auto exited = daemon->event("vmm-exited");
    BOOST_TEST(exited.text("reason") == "start-failed");
    BOOST_TEST(exited.text("detail").find("/no/such/vmm: No such file") != std::string::npos);
}

BOOST_DATA_TEST_CASE(it_dies_of_a_signal,
                     data::make({"SEGV", "ABRT", "SYS"}) ^ data::make({SIGSEGV, SIGABRT, SIGSYS}),
                     name, number) {
    Partition partition(std::string("fakevmm.at=cont fakevmm.signal=") + name);
    partition.launch();
    auto daemon = partition.connect();
    daemon->hello();
    daemon->event("ready");
    BOOST_TEST(daemon->ask(Message("resume")).text("code") == "vmm_gone");
    const auto exited = daemon->event("vmm-exited");
    BOOST_TEST(exited.text("reason") == "vmm-failed");
    BOOST_TEST(exited.number("exit_signal").value() == number);
    daemon->event("finished");
}

BOOST_DATA_TEST_CASE(it_breaks_the_protocol,
                     data::make({"garbage", "binary", "deep", "huge-line", "dup-keys", "bad-utf8",
                                 "eof-mid"}),
                     fault) {
    Partition partition(std::string("fakevmm.at=stop fakevmm.") + fault);
    auto daemon = partition.start();
    const auto asked = daemon->ask(Message("pause"));
    BOOST_TEST(asked.text("code") == "vmm_faulty");
    daemon->event("unresponsive");
    // It is talked to again, and nothing else has suffered.
    daemon->event("responsive");
    BOOST_TEST(daemon->ask(Message("status")).number("ready").value() == 1);
    BOOST_TEST(daemon->ask(Message("kill")).word == "ok");
}

BOOST_DATA_TEST_CASE(it_does_not_answer,
                     data::make({"fakevmm.hang-after=stop", "fakevmm.at=stop fakevmm.half-line",
                                 "fakevmm.at=stop fakevmm.wrong-id",
                                 "fakevmm.at=stop fakevmm.signal=STOP",
                                 "fakevmm.at=stop fakevmm.no-reply"}),
                     script) {
    Partition partition(script);
    partition.spec.liveness_ms = 100;
    auto daemon = partition.start();
    daemon->send(Message("pause").set("id", 1000));
    daemon->event("unresponsive");
    BOOST_TEST(daemon->ask(Message("status")).number("responsive").value() == 0);
    BOOST_TEST(daemon->ask(Message("kill")).word == "ok");
    BOOST_TEST(daemon->answer(1000).word == "error");
}

BOOST_DATA_TEST_CASE(it_never_becomes_ready,
                     data::make({"fakevmm.hang", "fakevmm.greeting-missing",
                                 "fakevmm.hang-after=qmp_capabilities"}),
                     script) {
    Partition partition(script);
    partition.spec.liveness_ms = 100;
    partition.launch();
    auto daemon = partition.connect();
    daemon->hello();
    daemon->event("unresponsive");
    BOOST_TEST(daemon->ask(Message("kill").set("reason", "start-failed")).word == "ok");
    BOOST_TEST(daemon->event("finished").text("reason") == "start-failed");
}

BOOST_AUTO_TEST_CASE(a_slow_answer_is_waited_for) {
    Partition partition("fakevmm.at=stop fakevmm.late-reply=300 fakevmm.slow");
    partition.spec.liveness_ms = 100;
    auto daemon = partition.start();
    BOOST_TEST(daemon->ask(Message("pause")).word == "ok");
    daemon->event("unresponsive");
    daemon->event("responsive");
}

BOOST_AUTO_TEST_CASE(an_error_that_stops_nothing_is_no_reason_for_a_later_stop) {
    Partition partition("fakevmm.late-io-error");
    auto daemon = partition.start();
    BOOST_TEST(daemon->ask(Message("pause")).word == "ok");
    BOOST_TEST(daemon->event("paused").text("reason") == "user");
    BOOST_TEST(daemon->ask(Message("resume")).word == "ok");
    daemon->event("running");
    // As a dump stops them: not by the keeper's own request.
    BOOST_TEST(daemon->ask(Message("qmp").set("command", R"({"execute": "stop"})")).word == "ok");
    BOOST_TEST(daemon->event("paused").text("reason") == "user");
}

BOOST_AUTO_TEST_CASE(a_flood_of_events_leaves_time_for_everything_else) {
    Partition partition("fakevmm.at=stop fakevmm.flap");
    auto daemon = partition.start();
    BOOST_TEST(daemon->ask(Message("pause")).word == "ok");
    for (int i = 0; i < 200; ++i) {
        BOOST_TEST(daemon->ask(Message("ping")).word == "ok");
    }
    BOOST_TEST(daemon->ask(Message("kill")).word == "ok");
    const auto status = daemon->ask(Message("status"));
    BOOST_TEST(status.number("seq").value() < 200);
}

BOOST_AUTO_TEST_CASE(a_guest_that_dozes_does_not_fill_the_journal) {
    Partition partition("fakevmm.at=stop fakevmm.flap fakevmm.doze");
    auto daemon = partition.start();
    BOOST_TEST(daemon->ask(Message("pause")).word == "ok");
    for (int i = 0; i < 200; ++i) {
        BOOST_TEST(daemon->ask(Message("ping")).word == "ok");
    }
    BOOST_TEST(daemon->ask(Message("kill")).word == "ok");
    BOOST_TEST(daemon->ask(Message("status")).number("seq").value() < 200);
}

BOOST_AUTO_TEST_CASE(a_quit_that_is_not_obeyed_ends_in_a_kill) {
    Partition partition("fakevmm.poweroff-after=1 fakevmm.ignore-quit");
    partition.spec.quit_ms = 50;
    auto daemon = partition.start();
    const auto exited = daemon->event("vmm-exited");
    BOOST_TEST(exited.text("reason") == "guest-poweroff");
    BOOST_TEST(exited.number("exit_signal").value() == SIGKILL);
}

BOOST_AUTO_TEST_CASE(hostile_daemons_are_cut_off) {
    Partition partition;
    auto daemon = partition.start();
    for (const char* bytes : {"\n", "no such\n", "ok\tx\n", "\x01\x02\x03\n"}) {
        auto other = partition.connect();
        other->send(Message(std::string_view(bytes).substr(0, std::string_view(bytes).size() - 1)));
        other->wait_closed();
    }
    BOOST_TEST(daemon->ask(Message("console")).text("code") == "invalid"); // no descriptor
    BOOST_TEST(daemon->ask(Message("ping")).word == "ok");
}

BOOST_AUTO_TEST_SUITE_END()

#ifdef MSHV_CRASHPOINTS
/// A keeper that is killed anywhere: no VMM runs that its state record does not name, and what it
/// says on disk is whole.
BOOST_DATA_TEST_CASE(killed_at,
                     data::make({"keeper.state.before_write", "keeper.state.after_write",
                                 "keeper.fork.before", "keeper.fork.after", "keeper.gate.before",
                                 "keeper.gate.after", "keeper.event.before_write",
                                 "keeper.event.after_write", "keeper.cont.before",
                                 "keeper.cont.after", "keeper.quit.before", "keeper.quit.after",
                                 "keeper.vmm.exited", "keeper.exit.before_write",
                                 "keeper.exit.after_write", "keeper.console.before_log"}),
                     point) {
    Partition partition("fakevmm.poweroff-after=1");
    partition.env = {std::string("MSHV_CRASHPOINT=") + point};
    partition.launch();
    try {
        auto daemon = partition.connect();
        daemon->hello();
        daemon->event("ready");
        daemon->send(Message("resume").set("id", 7));
        daemon->wait_closed();
    } catch (const std::exception&) { // NOLINT: it was killed before
    }
    partition.keeper().pidfd.wait_ended(soon());
    BOOST_TEST((partition.keeper().pidfd.reap().value() == mshv::posix::ExitStatus{true, SIGKILL}));
    if (std::string_view(point) != "keeper.state.before_write" &&
        std::string_view(point) != "keeper.fork.before" &&
        std::string_view(point) != "keeper.fork.after") {
        BOOST_TEST(partition.record(state_file).text("nonce") == "nonce");
    }
}
#endif
