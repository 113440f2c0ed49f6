// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/mshvctl/harness.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace mshv;
using test::partition_json;
using test::ProgramFixture;

bool contains(const std::string& text, std::string_view what) {
    return text.find(what) != std::string::npos;
}

struct SettingsFixture : ProgramFixture {
    SettingsFixture() {
        daemon.on("POST /v1/partitions/web/set-memory", 200, partition_json(1, "web", "running"));
        daemon.on("POST /v1/partitions/web/set-vcpus", 200, partition_json(1, "web", "running"));
        daemon.on("POST /v1/partitions/web/suspend", 200, partition_json(1, "web", "running"));
        daemon.on("POST /v1/partitions/web/resume", 200, partition_json(1, "web", "running"));
        daemon.on("POST /v1/partitions/web/pin-vcpu", 200, partition_json(1, "web", "running"));
    }
};

BOOST_FIXTURE_TEST_SUITE(program_settings, SettingsFixture)

BOOST_AUTO_TEST_CASE(a_bare_number_is_mib) {
    const auto made = body({"mem-set", "--no-wait", "web", "512"});
    BOOST_TEST(contains(made, R"("size":536870912)"), made);
    BOOST_TEST(!contains(made, R"("maximum":true)"), made);
    BOOST_TEST(contains(body({"mem-set", "--no-wait", "web", "1g"}), R"("size":1073741824)"));
    BOOST_TEST(contains(body({"mem-set", "--config", "web", "512"}), R"("config":true)"));
    BOOST_TEST(contains(body({"mem-max", "web", "2G"}), R"("size":2147483648,"maximum":true)"));
    for (const char* wrong : {"", "G", "2X", "-1", "99999999999999999999"}) {
        refused({"mem-set", "web", wrong}, 2);
        refused({"mem-max", "web", wrong}, 2);
    }
    BOOST_TEST(contains(run({"-N", "mem-set", "web", "1"}).out, "1048576 bytes"));
}

BOOST_AUTO_TEST_CASE(it_waits_for_the_guest_and_says_how_far_it_came) {
    daemon.on("GET /v1/events", 200, R"({"events":[],"last_seq":3,"oldest_seq":1})");
    daemon.on("GET /v1/partitions/id:1", 200, partition_json(1, "web", "running"));
    daemon.on("GET /v1/partitions/id:1/memory", 200,
              R"({"maximum":536870912,"target":268435456,"reached":268435456})");
    const auto done = run({"mem-set", "--live", "web", "256"});
    BOOST_TEST(done.status == 0, done.err);
    daemon.on("GET /v1/partitions/id:1/memory", 200,
              R"({"maximum":536870912,"target":134217728,"reached":268435456})");
    const auto late = run({"--timeout", "200ms", "mem-set", "--live", "web", "128"});
    BOOST_TEST(late.status == 9, late.err);
    BOOST_TEST(contains(late.err, "has come to 256 MiB, not yet to 128 MiB"), late.err);
    daemon.on("GET /v1/partitions/id:1/memory", 200, R"({"maximum":536870912,"target":134217728})");
    BOOST_TEST(run({"mem-set", "--live", "web", "128"}).status == 5);
}

BOOST_AUTO_TEST_CASE(pins_in_xls_words) {
    BOOST_TEST(contains(body({"vcpu-pin", "web", "1", "0-3,^2"}), R"("vcpu":1,"cpus":"0-3,^2")"));
    const auto all = body({"vcpu-pin", "--config", "web", "all", "node:0", "-"});
    BOOST_TEST(!contains(all, R"("vcpu")"), all);
    BOOST_TEST(contains(all, R"("cpus":"node:0")"), all);
    BOOST_TEST(contains(body({"vcpu-pin", "web", "0", "all", "all"}), R"("cpus":"all")"));
    refused({"vcpu-pin", "web", "0", "1", "0-3"}, 7);
    refused({"vcpu-pin", "web", "x", "1"}, 2);
    refused({"vcpu-pin", "web", "0"}, 2);
    refused({"vcpu-pin", "web", "0", "-", "-"}, 0);
}

BOOST_AUTO_TEST_CASE(processors_are_counted) {
    const auto made = body({"vcpu-set", "--timeout", "5", "web", "3"});
    BOOST_TEST(contains(made, R"("count":3)"), made);
    BOOST_TEST(contains(made, R"("timeout_ms":)"), made);
    BOOST_TEST(!contains(made, R"("ignore_host":true)"), made);
    const auto most = body({"vcpu-set", "--config", "--maximum", "-i", "web", "8"});
    BOOST_TEST(contains(most, R"("maximum":true,"ignore_host":true)"), most);
    BOOST_TEST(contains(most, R"("config":true)"), most);
    refused({"vcpu-set", "web", "x"}, 2);
    refused({"vcpu-set", "web"}, 2);
    BOOST_TEST(contains(run({"-N", "vcpu-set", "web", "2"}).out, "2 virtual processors"));
}

BOOST_AUTO_TEST_CASE(a_guest_sleeps_for_as_long_as_it_may_take) {
    BOOST_TEST(contains(body({"suspend", "web"}), R"({"timeout_ms":30000})"));
    BOOST_TEST(contains(body({"suspend", "--timeout", "5", "web"}), R"({"timeout_ms":5000})"));
    BOOST_TEST(contains(body({"resume", "web"}), R"({"timeout_ms":30000})"));
    BOOST_TEST(contains(run({"-N", "suspend", "web"}).out, "suspend web"));
    refused({"suspend"}, 2);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
