// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/qemu/json.hpp"
#include "daemon/vmm/qemu/qmp.hpp"
#include "tests/unit/api/thrown.hpp"

#include <boost/test/unit_test.hpp>
#include <random>
#include <set>

using namespace mshv;
using namespace mshv::vmm::qemu; // NOLINT: a test of that namespace
using testing::error_of;

BOOST_AUTO_TEST_CASE(commands_are_json) {
    BOOST_TEST(qmp_command("stop") == R"({"execute":"stop"})");
    BOOST_TEST(qmp_command("balloon", R"({"value":1})") ==
               R"({"execute":"balloon","arguments":{"value":1}})");
}

BOOST_AUTO_TEST_CASE(lines_are_told_apart) {
    BOOST_TEST((classify_line(R"({"QMP":{}})") == QmpLine::greeting));
    BOOST_TEST((classify_line(R"({"event":"STOP","timestamp":{}})") == QmpLine::event));
    BOOST_TEST((classify_line(R"({"return":{}})") == QmpLine::success));
    BOOST_TEST((classify_line(R"({"error":{"class":"x","desc":"y"}})") == QmpLine::error));
}

BOOST_AUTO_TEST_CASE(a_vmm_that_breaks_the_protocol_is_faulty) {
    const std::string deep =
        R"({"return":)" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
    for (const std::string& line : std::vector<std::string>{
             "", "{", "[]", "1", "null", "{}", "garbage", R"({"id":1})", "{\"return\":1} x",
             R"({"return":1,"return":2})", R"({"return":1,"error":{"desc":"x"}})",
             "{\"return\":\"\xff\xfe\"}", std::string("{\"return\":1}\0", 13), deep,
             R"({"return":")" + std::string(longest_qmp_line, 'x') + "\"}"}) {
        BOOST_TEST(!error_of([&] { (void)classify_line(line); }).empty(), line.substr(0, 60));
    }
}

BOOST_AUTO_TEST_CASE(a_refusal_carries_the_vmms_own_words) {
    const std::string line =
        "{\"error\":{\"class\":\"GenericError\",\"desc\":\"no \\u001b[31mway\\n\"}}";
    BOOST_TEST(error_of([&] { expect_success(line, "pause"); }) ==
               R"(The VMM refused to pause: no \x1b[31mway\n)");
    BOOST_TEST(error_text(line) == R"(no \x1b[31mway\n)");
    BOOST_TEST(error_text(R"({"return":{}})").empty());
    const std::string huge = R"({"error":{"desc":")" + std::string(1'000'000, 'x') + "\"}}";
    BOOST_TEST(error_text(huge).size() <= 4096U);
    BOOST_TEST(!error_of([] { (void)error_text(R"({"error":{"desc":7}})"); }).empty());
}

BOOST_AUTO_TEST_CASE(processors_are_read_strictly) {
    const auto cpus = parse_cpus(
        R"({"return":[{"cpu-index":0,"thread-id":41,"x":1},{"cpu-index":1,"thread-id":42}]})");
    BOOST_REQUIRE_EQUAL(cpus.size(), 2U);
    BOOST_TEST(cpus[1].index == 1);
    BOOST_TEST(cpus[1].thread_id == 42);
    for (const char* line :
         {R"({"return":{}})", R"({"return":[1]})", R"({"return":[{"cpu-index":0}]})",
          R"({"return":[{"cpu-index":"0","thread-id":1}]})",
          R"({"return":[{"cpu-index":0,"thread-id":99999999999999999999}]})"}) {
        BOOST_TEST(!error_of([&] { (void)parse_cpus(line); }).empty(), line);
    }
}

BOOST_AUTO_TEST_CASE(the_agents_channel_is_found_by_its_label) {
    const char* line = R"({"return":[{"label":"mon0","frontend-open":true},
                          {"label":"agent0","frontend-open":false}]})";
    BOOST_TEST(parse_frontend_open(line, "mon0"));
    BOOST_TEST(!parse_frontend_open(line, "agent0"));
    BOOST_TEST(!parse_frontend_open(line, "other"));
}

BOOST_AUTO_TEST_CASE(names_and_version) {
    BOOST_TEST((parse_version(R"({"return":{"qemu":{"major":7,"minor":2,"micro":22}}})") ==
                Version{7, 2, 22}));
    BOOST_TEST(
        !error_of([] { (void)parse_version(R"({"return":{"qemu":{"major":-7}}})"); }).empty());
    const auto names = parse_names(
        R"({"return":[{"name":"pc-q35-7.2","alias":"q35"},{"name":"none"}]})", "name", "alias");
    BOOST_TEST((names == std::set<std::string>{"none", "pc-q35-7.2", "q35"}));
}

BOOST_AUTO_TEST_CASE(text_that_json_cannot_carry_is_refused) {
    BOOST_TEST(json_quote("a\"b\\c\n\x01,") == "\"a\\\"b\\\\c\\n\\u0001,\"");
    BOOST_TEST(!error_of([] { (void)json_quote("\xff"); }).empty());
    BOOST_TEST(!error_of([] { (void)json_quote(std::string_view("a\0b", 3)); }).empty());
    BOOST_TEST(option_value("a,b=c,,") == "a,,b=c,,,,");
}

BOOST_AUTO_TEST_CASE(random_bytes_never_do_more_than_throw) {
    std::mt19937 random(7); // NOLINT: the same bytes each time
    const std::string base = R"({"return":[{"cpu-index":0,"thread-id":41}]})";
    for (int round = 0; round < 20'000; ++round) {
        std::string line = base;
        for (int i = 0; i < 3; ++i) {
            line[random() % line.size()] = static_cast<char>(random());
        }
        (void)error_of([&] { (void)parse_cpus(line); });
    }
}

BOOST_AUTO_TEST_CASE(backends_that_no_interface_has) {
    const auto idle = parse_idle_backends(
        R"({"return":"net0: index=0,type=nic,model=virtio-net-pci,macaddr=52:54:00:00:00:01\r\n)"
        R"( \\ net0: index=0,type=user,net=10.0.2.0,restrict=off\r\n)"
        R"(net2: index=0,type=tap,fd=23\r\n"})");
    BOOST_TEST((idle == std::set<std::string>{"net2"}));
    BOOST_TEST(parse_idle_backends(R"({"return":""})").empty());
}
