// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/keeper/harness.hpp"

#include <boost/test/unit_test.hpp>
#include <fcntl.h>

using namespace mshv::keeper;
using namespace mshv::keeper::test;

namespace {

Message qmp(Daemon& daemon, const std::string& command) {
    return daemon.ask(Message("qmp").set("command", command));
}

bool vmm_has(Daemon& daemon, const std::string& device) {
    const auto answer =
        qmp(daemon, R"({"execute":"qom-list","arguments":{"path":"/machine/peripheral"}})");
    return answer.text("json").find("\"" + device + "\"") != std::string::npos;
}

void add(Daemon& daemon, const std::string& device) {
    const auto answer = qmp(daemon, R"({"execute":"device_add","arguments":{"driver":"x","id":")" +
                                        device + "\"}}");
    BOOST_TEST(answer.word == "ok");
}

const std::string nul(1, '\0');

} // namespace

BOOST_AUTO_TEST_SUITE(process_devices)

BOOST_AUTO_TEST_CASE(another_makeup_is_for_later_generations) {
    Partition partition;
    auto daemon = partition.start();
    const auto before = daemon->ask(Message("makeup"));
    BOOST_TEST(before.text("argv").starts_with("fakevmm" + nul));
    BOOST_TEST(before.text("targets") == "3");
    const Fd file{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    const auto amend = [&](const std::string& added, const Fd* fd) {
        return daemon->ask(Message("amend")
                               .set("argv", before.text("argv") + "-device" + nul +
                                                R"({"driver":"x","id":"late"})" + nul)
                               .set("setup", "")
                               .set("kept", "3")
                               .set("added", added),
                           fd);
    };
    BOOST_TEST(amend("7", &file).word == "ok");
    BOOST_TEST(daemon->ask(Message("makeup")).text("targets") == "3,7");
    BOOST_TEST(!vmm_has(*daemon, "late")); // the present VMM is not touched
    BOOST_TEST(daemon->ask(Message("reset").set("timeout_ms", 10000)).word == "ok");
    daemon->event("running");
    BOOST_TEST(vmm_has(*daemon, "late"));
    // All of it or nothing.
    const auto now = daemon->ask(Message("makeup"));
    BOOST_TEST(amend("3", &file).text("code") == "invalid"); // there already
    BOOST_TEST(amend("8", nullptr).text("code") == "invalid");
    BOOST_TEST(amend("x", &file).text("code") == "invalid");
    BOOST_TEST(amend("2", &file).text("code") == "invalid");
    BOOST_TEST(daemon->ask(Message("amend").set("kept", "3")).text("code") == "invalid");
    BOOST_TEST(daemon->ask(Message("makeup")).text("argv") == now.text("argv"));
    // The monitor's stays whatever is said, or no generation could be spoken to.
    BOOST_TEST(daemon->ask(Message("amend").set("argv", before.text("argv"))).word == "ok");
    BOOST_TEST(daemon->ask(Message("makeup")).text("targets") == "3");
    BOOST_TEST(daemon->ask(Message("reset").set("timeout_ms", 10000)).word == "ok");
    daemon->event("running");
    BOOST_TEST(!vmm_has(*daemon, "late"));
}

BOOST_AUTO_TEST_CASE(a_descriptor_goes_with_its_command) {
    Partition partition;
    auto daemon = partition.start();
    const Fd file{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    const auto answer = daemon->ask(
        Message("qmp-fd").set("command", R"({"execute":"add-fd","arguments":{"fdset-id":4}})"),
        &file);
    BOOST_TEST(answer.text("json").find("\"fdset-id\": 4") != std::string::npos,
               answer.text("json"));
    BOOST_TEST(
        daemon->ask(Message("qmp-fd").set("command", R"({"execute":"stop"})")).text("code") ==
        "invalid");
}

BOOST_AUTO_TEST_CASE(who_waits_for_a_device_hears_when_it_is_gone) {
    Partition partition;
    auto daemon = partition.start();
    add(*daemon, "late");
    BOOST_TEST(daemon->ask(Message("unplug").set("device", "late").set("timeout_ms", 10000)).word ==
               "ok");
    BOOST_TEST(!vmm_has(*daemon, "late"));
    // The guest says nothing of a device that it does not have.
    BOOST_TEST(
        daemon->ask(Message("unplug").set("device", "other").set("timeout_ms", 50)).text("code") ==
        "timeout");
    BOOST_TEST(daemon->ask(Message("unplug").set("device", "a\"b")).text("code") == "invalid");
    BOOST_TEST(daemon->ask(Message("unplug")).text("code") == "invalid");
    // Nobody waits: the journal has it.
    add(*daemon, "late");
    qmp(*daemon, R"({"execute":"device_del","arguments":{"id":"late"}})");
    BOOST_TEST(daemon->event("device-deleted").text("detail") == "late");
}

BOOST_AUTO_TEST_CASE(a_processor_that_the_vmm_began_with_goes_by_its_path) {
    Partition partition;
    auto daemon = partition.start();
    const std::string path = "/machine/unattached/device[0]"; // the event names a part of it
    const auto unplug = Message("unplug").set("device", path);
    BOOST_TEST(daemon->ask(Message(unplug).set("timeout_ms", 10000)).word == "ok");
    BOOST_TEST(daemon->ask(Message(unplug).set("timeout_ms", 50)).text("code") == "timeout");
}

BOOST_AUTO_TEST_CASE(the_end_of_the_vmm_ends_the_wait) {
    Partition partition;
    auto daemon = partition.start();
    const auto id = daemon->next_id++;
    daemon->send(Message("unplug").set("id", id).set("device", "other").set("timeout_ms", 600000));
    BOOST_TEST(daemon->ask(Message("kill").set("timeout_ms", 10000)).word == "ok");
    BOOST_TEST(daemon->answer(id).text("code") == "vmm_gone");
}

BOOST_AUTO_TEST_SUITE_END()
