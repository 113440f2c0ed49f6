// SPDX-License-Identifier: Apache-2.0
#include "daemon/keeper/protocol.hpp"

#include <boost/test/unit_test.hpp>
#include <random>

using namespace mshv::keeper;

BOOST_AUTO_TEST_SUITE(protocol)

BOOST_AUTO_TEST_CASE(any_value_comes_back) {
    std::mt19937 random(7); // NOLINT: a fixed seed on purpose
    for (int round = 0; round < 500; ++round) {
        std::string value(random() % 200, '\0');
        for (auto& c : value) {
            c = static_cast<char>(random());
        }
        auto line = encode(Message("event").set("detail", value).set("seq", round));
        BOOST_REQUIRE_EQUAL(line.back(), '\n');
        line.pop_back();
        BOOST_REQUIRE(line.find('\n') == std::string::npos);
        const auto back = decode(line);
        BOOST_REQUIRE(back.text("detail") == value);
        BOOST_REQUIRE_EQUAL(back.number("seq").value(), round);
    }
}

BOOST_AUTO_TEST_CASE(malformed_lines_are_refused) {
    for (const char* line :
         {"", "\t", "Word", "a b", "ok\tx", "ok\t=1", "ok\tx=1\tx=2", "ok\tx=%", "ok\tx=%1",
          "ok\tx=%zz", "ok\tx=%0a", "ok\tx=\x01", "ok\t\tx=1", "ok\tX=1"}) {
        BOOST_CHECK_THROW(decode(line), ProtocolError);
    }
    std::string many = "ok";
    for (std::size_t i = 0; i <= most_fields; ++i) {
        many += "\tk" + std::to_string(i) + "=1";
    }
    BOOST_CHECK_THROW(decode(many), ProtocolError);
    for (const char* number : {"", "x", "1x", " 1", "99999999999999999999", "0x1", "1.5"}) {
        BOOST_CHECK_THROW((void)Message("ok").set("n", std::string_view(number)).number("n"),
                          ProtocolError);
    }
    BOOST_TEST(!Message("ok").number("n"));
    BOOST_TEST(decode("ok\tx=%41").text("x") == "A");
    BOOST_TEST(decode("ok\tx=").text("x").empty());
}

BOOST_AUTO_TEST_CASE(lines_are_cut_anywhere_and_bounded) {
    LineBuffer buffer(10);
    for (const char c : std::string("one\ntwo\n")) {
        buffer.append({&c, 1});
    }
    BOOST_TEST(buffer.next().value() == "one");
    BOOST_TEST(buffer.next().value() == "two");
    BOOST_TEST(!buffer.next());
    buffer.append("0123456789");
    BOOST_TEST(!buffer.next());
    buffer.append("\n");
    BOOST_TEST(buffer.next().value() == "0123456789");
    buffer.append("01234567890");
    BOOST_CHECK_THROW(buffer.next(), ProtocolError);
}

BOOST_AUTO_TEST_CASE(the_spec_comes_back_or_is_refused) {
    LaunchSpec spec;
    spec.name = "web\t1";
    spec.run_dir = "/run/x";
    spec.log_dir = "/var/log/x";
    spec.program = "/usr/bin/qemu";
    spec.argv = {"qemu", "-append", "a=%20 \n\t", ""};
    spec.env = {"LC_ALL=C"};
    spec.setup = {R"({"execute":"set_link"})", R"({"execute":"balloon"})"};
    spec.fds = {{5, 3}, {6, 10}};
    spec.monitor_source = 5;
    spec.user = User{1000, 1001, {7, 8}};
    spec.limits = {{"core", 0}, {"memlock", -1}};
    spec.policy.on_crash = "preserve";
    spec.console = ConsoleConfig{4096, 100, 0};
    const std::string text = encode_spec(spec);
    const auto back = decode_spec(text);
    BOOST_TEST(back.argv == spec.argv);
    BOOST_TEST(back.name == spec.name);
    BOOST_TEST(back.setup == spec.setup);
    BOOST_TEST(back.fds.at(1).target == 10);
    BOOST_TEST(back.user.value().groups == spec.user->groups);
    BOOST_TEST(back.limits.at(1).value == -1);
    BOOST_TEST(back.policy.on_crash == "preserve");
    BOOST_TEST(back.console.value().ring == 4096);
    BOOST_TEST(encode_spec(back) == text);
    for (std::size_t size = 0; size < text.size(); ++size) {
        BOOST_CHECK_THROW(decode_spec(text.substr(0, size)), ProtocolError);
    }
    BOOST_CHECK_THROW(decode_spec(text + "end\n"), ProtocolError);
    spec.program = "relative";
    BOOST_CHECK_THROW(decode_spec(encode_spec(spec)), ProtocolError);
    spec.program = "/x";
    spec.setup = {"quit"};
    BOOST_CHECK_THROW(decode_spec(encode_spec(spec)), ProtocolError);
    spec.setup.clear();
    spec.fds = {{2, 3}};
    BOOST_CHECK_THROW(decode_spec(encode_spec(spec)), ProtocolError);
}

BOOST_AUTO_TEST_CASE(a_policy_is_checked) {
    Message message("set-policy");
    Policy policy;
    policy.restart = "sometimes";
    put_policy(message, policy);
    BOOST_CHECK_THROW(get_policy(message), ProtocolError);
    BOOST_CHECK_THROW(get_policy(Message("set-policy")), ProtocolError);
}

BOOST_AUTO_TEST_SUITE_END()
