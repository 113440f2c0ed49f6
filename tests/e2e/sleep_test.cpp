// SPDX-License-Identifier: Apache-2.0
//
// Real guests that sleep in RAM (ACPI S3) and wake again.
#include "tests/e2e/lib/host.hpp"
#include "tests/e2e/lib/installation.hpp"
#include "tests/e2e/lib/shell.hpp"

#include <boost/test/unit_test.hpp>

using namespace mshv::e2e;

namespace {

const std::string channel = "<channel type='unix'><target type='virtio' "
                            "name='org.qemu.guest_agent.0'/></channel>";

/// SeaBIOS in the place of qboot, which cannot wake a guest.
const std::string video = "<video><model type='vga'/></video>";
const std::string hpet = "<clock offset='utc'><timer name='hpet' present='yes'/></clock>\n";

GuestXml guest_of(const std::string& name, const std::string& steps,
                  const std::vector<std::string>& devices) {
    return {.name = name,
            .steps = steps,
            .initrd = steps == "qemu-ga" ? guest_agent_initrd() : std::string(),
            .memory_mib = 192,
            .devices = devices};
}

void create(Host& host, const GuestXml& guest, const std::string& clock,
            const std::string& type = "q35") {
    auto text = guest.text();
    const std::string machine = "machine='q35'";
    text.replace(text.find(machine), machine.size(), "machine='" + type + "'");
    text.insert(text.find("  <devices>"), clock);
    host.ok({"create", "--define", host.write_file(guest.name + ".xml", text)});
}

/// Until QEMU's agent answers.
void wait_agent(Host& host, const std::string& name) {
    for (const auto deadline = guest_time(); !deadline.expired();) {
        if (host.ctl({"guest", "ping", name}).status == 0) {
            return;
        }
    }
    BOOST_FAIL("no agent answers: " + host.fails(5, {"guest", "ping", name}));
}

bool asleep(Host& host) {
    return host.view("g")["runtime"]["suspended"].flag();
}

/// The event after `since`; what came before is no proof.
void wait_kind(Host& host, std::int64_t since, const std::string& kind) {
    (void)host.wait_event(since, [&](const Json& event) { return event["kind"].text() == kind; });
}

/// The guest goes to sleep by itself, and says so when it is awake.
void sleep_by_itself(Host& host, const std::string& mark) {
    const auto since = host.last_event();
    guest_says(host, "g",
               "echo IT-GOES | sed 's/$/-" + mark +
                   "/'; echo mem > /sys/power/state; echo IT-WOKE | sed 's/$/-" + mark + "/'",
               "IT-GOES-" + mark);
    wait_kind(host, since, "partition.suspended");
}

} // namespace

BOOST_AUTO_TEST_CASE(a_guest_that_sleeps_by_itself_is_woken_also_by_the_next_daemon) {
    Host host;
    create(host, guest_of("g", "shell", {video}), hpet);
    host.wait_console("g", "MSHV-GUEST-READY");
    BOOST_TEST(contains(host.fails(5, {"resume", "g"}), "is not suspended"));
    sleep_by_itself(host, "ONE");
    BOOST_TEST(asleep(host));
    BOOST_TEST(host.view("g")["state"].text() == "running");
    BOOST_TEST(contains(host.ok({"list"}), "---ss-"));
    BOOST_TEST(contains(host.ok({"info", "g"}), "the guest sleeps"));
    BOOST_TEST(contains(host.fails(5, {"pause", "g"}), "is suspended"));
    BOOST_TEST(contains(host.fails(5, {"save", "g", host.path("g.save")}), "is suspended"));
    host.kill_daemon();
    BOOST_REQUIRE(host.start_daemon());
    BOOST_TEST(asleep(host));
    host.ok({"resume", "g"});
    BOOST_TEST(!asleep(host));
    host.wait_console("g", "IT-WOKE-ONE");
    BOOST_TEST(!contains(host.ok({"list"}), "---ss-"));
    // Nor does a new generation sleep, before it goes to sleep itself; whoever wakes it then.
    host.ok({"reset", "g"});
    host.wait_console("g", "MSHV-GUEST-READY", 2);
    sleep_by_itself(host, "TWO");
    const auto since = host.last_event();
    host.ok({"trigger", "g", "s3resume"});
    wait_kind(host, since, "partition.resumed");
    host.wait_console("g", "IT-WOKE-TWO");
    host.ok({"reset", "g"});
    host.wait_console("g", "MSHV-GUEST-READY", 3);
    sleep_by_itself(host, "NEVER");
    host.ok({"reset", "g"});
    BOOST_TEST(!asleep(host));
    BOOST_TEST(contains(host.fails(7, {"suspend", "g"}), "no guest agent channel"));
}

BOOST_AUTO_TEST_CASE(an_agent_puts_its_guest_to_sleep_and_a_shutdown_wakes_it) {
    Host host;
    create(host, guest_of("g", "qemu-ga", {channel, video}), hpet);
    wait_agent(host, "g");
    host.ok({"guest", "exec", "g", "--", "touch", "/kept-in-memory"});
    host.ok({"suspend", "g"});
    BOOST_TEST(asleep(host));
    host.ok({"suspend", "g"}); // it does already
    BOOST_TEST(contains(host.fails(5, {"guest", "ping", "g"}), "is suspended"));
    host.ok({"resume", "g"});
    BOOST_TEST(!asleep(host));
    wait_agent(host, "g");
    host.ok({"guest", "exec", "g", "--", "test", "-e", "/kept-in-memory"});
    host.ok({"reset", "g"});
    wait_agent(host, "g");
    host.ok({"suspend", "--timeout", "60", "g"});
    const auto since = host.last_event();
    host.ok({"shutdown", "g"});
    wait_kind(host, since, "partition.resumed");
    BOOST_TEST(host.view("g")["state"].text() == "stopping");
    host.ok({"destroy", "g"});
}

BOOST_AUTO_TEST_CASE(on_the_older_machine_it_sleeps_again_and_is_shut_down) {
    Host host;
    create(host, guest_of("g", "qemu-ga", {channel, video}), hpet, "pc");
    wait_agent(host, "g");
    host.ok({"suspend", "g"});
    host.ok({"resume", "g"});
    wait_agent(host, "g");
    host.ok({"suspend", "g"});
    BOOST_TEST(asleep(host));
    host.ok({"shutdown", "-w", "--timeout", "60", "g"});
    BOOST_TEST(host.view("g")["reason"].text() == "shutdown");
}

BOOST_AUTO_TEST_CASE(a_machine_that_does_not_sleep_is_told) {
    Host host;
    create(host, guest_of("q", "qemu-ga", {channel}), hpet); // no video: qboot boots it
    create(host, guest_of("t", "qemu-ga", {channel, video}), "");
    wait_agent(host, "q");
    BOOST_TEST(contains(host.fails(7, {"suspend", "q"}), "booted by qboot"));
    wait_agent(host, "t");
    BOOST_TEST(contains(host.fails(7, {"suspend", "t"}), "no timer hpet"));
    create(host, guest_of("m", "shell", {}), "", "microvm");
    BOOST_TEST(contains(host.fails(7, {"suspend", "m"}), "microvm does not sleep"));
}
