// SPDX-License-Identifier: Apache-2.0
//
// Virtual processors that come and go while a real guest runs.
#include "tests/e2e/lib/host.hpp"
#include "tests/e2e/lib/shell.hpp"

#include <boost/test/unit_test.hpp>

using namespace mshv::e2e;

namespace {

const std::string cpu_folder = "/sys/devices/system/cpu";

GuestXml small_guest() {
    return {.name = "g", .steps = "shell", .memory_mib = 256, .vcpus = 1, .vcpus_most = 4};
}

/// The guest uses processor `index` as soon as it has heard of it.
void use(Host& host, int index) {
    const auto file = cpu_folder + "/cpu" + std::to_string(index) + "/online";
    guest_says(host, "g",
               "while [ ! -e " + file + " ]; do sleep 1; done; [ $(cat " + file +
                   ") = 1 ] || echo 1 > " + file + "; echo IT-USES | sed 's/$/-" +
                   std::to_string(index) + "/'",
               "IT-USES-" + std::to_string(index));
}

/// What the guest itself counts.
void guest_counts(Host& host, const std::string& online, const std::string& mark) {
    guest_says(host, "g",
               "while [ $(cat " + cpu_folder + "/online) != " + online +
                   " ]; do sleep 1; done; echo IT-COUNTS | sed 's/$/-" + mark + "/'",
               "IT-COUNTS-" + mark);
}

std::size_t listed(Host& host) {
    return Json::parse(host.ok({"--json", "vcpu-list", "g"}))["items"]
        .items()
        .front()["vcpus"]
        .items()
        .size();
}

/// An adopted VMM is asked behind the adoption, so that no list waits for it.
bool shows(Host& host, int count) {
    for (const auto deadline = soon(); !deadline.expired();) {
        if (host.view("g")["vcpus"].number() == count) {
            return true;
        }
    }
    return false;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_guest_has_three_processors_and_then_two) {
    Host host;
    host.create(small_guest(), {"--define"});
    host.wait_console("g", "MSHV-GUEST-READY");
    guest_counts(host, "0", "ONE");
    host.ok({"vcpu-set", "-i", "g", "3"});
    BOOST_TEST(listed(host) == 3U);
    BOOST_TEST(host.view("g")["vcpus"].number() == 3);
    BOOST_TEST(host.view("g")["revision"].number() == 1);
    use(host, 1);
    use(host, 2);
    guest_counts(host, "0-2", "THREE");
    host.kill_daemon();
    BOOST_REQUIRE(host.start_daemon());
    BOOST_TEST(shows(host, 3));
    host.ok({"vcpu-set", "--timeout", "60", "g", "2"});
    guest_counts(host, "0-1", "TWO");
    BOOST_TEST(listed(host) == 2U);
    // Another generation of the VMM begins with two, and one of these goes likewise.
    host.ok({"reset", "g"});
    host.wait_console("g", "MSHV-GUEST-READY", 2);
    guest_counts(host, "0-1", "AGAIN");
    BOOST_TEST(listed(host) == 2U);
    host.ok({"vcpu-set", "--timeout", "60", "g", "1"});
    guest_counts(host, "0", "LAST");
    BOOST_TEST(listed(host) == 1U);
    BOOST_TEST(contains(host.fails(6, {"vcpu-set", "-i", "g", "5"}), "the most is 4"));
    BOOST_TEST(contains(host.fails(6, {"vcpu-set", "g", "4096"}), "processors, which is less"));
    BOOST_TEST(contains(host.fails(7, {"vcpu-set", "--live", "--maximum", "g", "8"}), "room"));
    host.ok({"vcpu-set", "--maximum", "g", "8"});
    BOOST_TEST(contains(host.ok({"dumpxml", "g"}), "<vcpu current='1'>8</vcpu>"));
}

BOOST_AUTO_TEST_CASE(a_saved_guest_goes_on_with_its_processors) {
    Host host;
    host.create(small_guest(), {"--define"});
    host.wait_console("g", "MSHV-GUEST-READY");
    host.ok({"vcpu-set", "-i", "g", "3"});
    use(host, 1);
    use(host, 2);
    const auto file = host.path("g.save");
    host.ok({"save", "g", file});
    host.ok({"restore", file});
    BOOST_TEST(listed(host) == 3U);
    guest_counts(host, "0-2", "RESTORED");
    host.ok({"vcpu-set", "--timeout", "60", "g", "2"});
    guest_counts(host, "0-1", "LESS");
}

BOOST_AUTO_TEST_CASE(what_a_guest_does_not_let_go_of_goes_later) {
    Host host;
    host.create(small_guest(), {"--define"});
    host.wait_console("g", "MSHV-GUEST-READY");
    host.ok({"vcpu-set", "g", "2"});
    use(host, 1);
    host.ok({"pause", "g"});
    BOOST_TEST(contains(host.fails(9, {"vcpu-set", "--timeout", "1", "g", "1"}),
                        "has not let go of 1 virtual processors"));
    BOOST_TEST(listed(host) == 2U);
    BOOST_TEST(contains(host.fails(5, {"save", "g", host.path("g.save")}), "has not let go"));
    host.ok({"unpause", "g"});
    guest_counts(host, "0", "LATE");
    bool told = false;
    std::string said;
    for (const auto deadline = soon(); !told && !deadline.expired();) {
        for (const auto& event : host.events()) {
            told = told || (event.has("detail") &&
                            contains(event["detail"].text(), "the guest let go of one: 1 of 4"));
        }
    }
    for (const auto& event : host.events()) {
        said += event["kind"].text() + (event.has("detail") ? ": " + event["detail"].text() : "") +
                "\n";
    }
    BOOST_TEST(told, said);
    BOOST_TEST(listed(host) == 1U);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_is_told) {
    Host host;
    // Firmware gets them, and cannot be asked to let go of one.
    host.create({.name = "g", .memory_mib = 256, .vcpus_most = 4, .firmware_boot = true},
                {"--define"});
    host.ok({"vcpu-set", "-i", "g", "3"});
    BOOST_TEST(contains(host.fails(1, {"vcpu-set", "g", "2"}), "Cannot take a virtual processor"));
    BOOST_TEST(listed(host) == 3U);
    BOOST_TEST(host.view("g")["vcpus"].number() == 3);
    host.ok({"destroy", "g"});
    auto text = small_guest().with_name("m").text();
    const std::string machine = "machine='q35'";
    const auto at = text.find(machine);
    BOOST_REQUIRE(at != std::string::npos);
    text.replace(at, machine.size(), "machine='microvm'");
    host.ok({"create", host.write_file("m.xml", text)});
    BOOST_TEST(contains(host.fails(7, {"vcpu-set", "-i", "m", "2"}), "microvm"));
}
