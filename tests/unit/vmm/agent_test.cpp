// SPDX-License-Identifier: Apache-2.0
//
// The agent's client against guests that lie: each test writes what comes back, byte for byte.
#include "daemon/vmm/agent.hpp"

#include "daemon/vmm/qemu/agent_replies.hpp"
#include "tests/unit/posix/temporary_folder.hpp"
#include "toolstack/libs/api/base64.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/posix/socket.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <functional>
#include <optional>
#include <poll.h>
#include <string>
#include <thread>
#include <vector>

namespace mshv::vmm {
namespace {

using api::ErrorCode;
using posix::Deadline;
using std::chrono::milliseconds;

/// The error that a call throws.
struct Thrown {
    std::optional<api::Error> error;
    [[nodiscard]] bool is(ErrorCode code) const { return error && error->code() == code; }
    [[nodiscard]] std::string text() const { return error ? error->message() : "nothing"; }
    [[nodiscard]] bool says(std::string_view part) const {
        return text().find(part) != std::string::npos;
    }
};

template <typename F>
Thrown thrown(F call) {
    try {
        call();
        return {};
    } catch (const api::Error& error) {
        return {error};
    }
}

/// A connection as the guest sees it.
class Peer {
public:
    explicit Peer(posix::Fd socket) : socket_(std::move(socket)) {}

    /// The next line without its end; empty when the other side has gone.
    std::string line() {
        for (;;) {
            const auto end = pending_.find('\n');
            if (end != std::string::npos) {
                std::string line = pending_.substr(0, end);
                pending_.erase(0, end + 1);
                return line;
            }
            std::array<char, 4096> buffer{};
            const auto got =
                posix::read_some(socket_.get(), buffer, Deadline::after(milliseconds(20'000)), "x");
            if (got == 0) {
                return {};
            }
            pending_.append(buffer.data(), got);
        }
    }
    /// False when the other side has gone.
    bool say(std::string_view text) {
        try {
            posix::write_all(socket_.get(), text, Deadline::after(milliseconds(20'000)), "x");
            return true;
        } catch (const std::exception&) {
            return false;
        }
    }
    /// Reads guest-sync-delimited and answers it as an honest agent does.
    void sync() { say("\xff{\"return\": " + number(line()) + "}\n"); }
    static std::string number(const std::string& request) {
        const auto at = request.find(R"("id":)") + 5;
        return request.substr(at, request.find('}', at) - at);
    }
    /// Until the other side goes.
    void stay() {
        while (!line().empty()) {
        }
    }

private:
    posix::Fd socket_;
    std::string pending_;
};

/// The guest's side: one connection after the other, each by its script.
class Guest {
public:
    explicit Guest(std::vector<std::function<void(Peer&)>> scripts)
        : listener_(posix::listen_unix(path(), 0600)), scripts_(std::move(scripts)),
          thread_([this] {
              for (const auto& script : scripts_) {
                  (void)posix::wait_for(listener_.get(), POLLIN,
                                        Deadline::after(milliseconds(20'000)), "a client");
                  Peer peer(posix::accept_unix(listener_.get()));
                  script(peer);
              }
          }) {}

    [[nodiscard]] std::string path() const { return folder_ / "agent.sock"; }

private:
    posix::test::TemporaryFolder folder_;
    posix::Fd listener_;
    std::vector<std::function<void(Peer&)>> scripts_;
    std::jthread thread_;
};

AgentTime time_of(milliseconds talk = milliseconds(10'000)) {
    return {Deadline::after(milliseconds(0)), Deadline::after(talk), "a test"};
}

/// An agent that answers one request with `answer`.
std::function<void(Peer&)> answers(std::string answer) {
    return [answer](Peer& peer) {
        peer.sync();
        (void)peer.line();
        peer.say(answer + "\n");
        peer.stay();
    };
}

} // namespace

BOOST_AUTO_TEST_SUITE(agent)

BOOST_AUTO_TEST_CASE(an_answer_to_somebody_elses_question_is_skipped) {
    Guest guest({[](Peer& peer) {
        const auto number = Peer::number(peer.line());
        peer.say("{\"return\": {}}\nno json at all\n\xff\xff\n\xff{\"return\": 1}\n");
        peer.say("{\"return\": " + number + "}\n"); // without the mark: text of a program, perhaps
        peer.say(std::string(300'000, 'x') + "\xff{\"return\": " + number + "}\n");
        peer.say("{\"return\": 4}\n");
        peer.stay();
    }});
    Agent agent(guest.path());
    BOOST_TEST(agent.thaw(time_of()) == 4);
}

BOOST_AUTO_TEST_CASE(an_answer_that_comes_too_late_is_not_taken_for_another) {
    Guest guest({[](Peer& peer) {
                     peer.sync();
                     peer.stay(); // no answer in time
                 },
                 [](Peer& peer) {
                     const auto request = peer.line();
                     peer.say("{\"return\": 41}\n"); // to the request before
                     peer.say("\xff{\"return\": " + Peer::number(request) + "}\n");
                     (void)peer.line();
                     peer.say("{\"return\": 42}\n");
                     peer.stay();
                 }});
    Agent agent(guest.path());
    const auto late = thrown([&] { (void)agent.thaw(time_of(milliseconds(200))); });
    BOOST_TEST(late.is(ErrorCode::timeout), late.text());
    BOOST_TEST(agent.thaw(time_of()) == 42);
}

BOOST_AUTO_TEST_CASE(silence_junk_and_endless_lines_end_at_the_deadline) {
    Guest guest({[](Peer& peer) { peer.stay(); },
                 [](Peer& peer) {
                     while (peer.say("{\"return\": 1}\n")) {
                     }
                 },
                 [](Peer& peer) {
                     while (peer.say(std::string(60'000, 'x'))) {
                     }
                 },
                 [](Peer& peer) {
                     peer.sync();
                     while (peer.say(std::string(60'000, 'x'))) {
                     }
                 }});
    Agent agent(guest.path());
    for (int round = 0; round < 3; ++round) {
        const auto error = thrown([&] { agent.ping(time_of(milliseconds(300))); });
        BOOST_TEST((error.is(ErrorCode::timeout) || error.says("without end")), error.text());
    }
    const auto error = thrown([&] { agent.ping(time_of()); });
    BOOST_TEST(error.says("longer than 256 KiB"), error.text());
}

BOOST_AUTO_TEST_CASE(what_is_no_answer_is_told) {
    const std::string deep(200, '[');
    for (const auto& [answer, says] : std::vector<std::pair<std::string, std::string>>{
             {"nonsense", "is malformed"},
             {"[]", "is malformed"},
             {"{}", "says nothing"},
             {"{\"return\": " + deep + "}", "is malformed"},
             {R"({"return": "many"})", "is no number"},
             {R"({"error": {"class": "GenericError", "desc": "disk \u001b[31m on fire"}})",
              "refused guest-fsfreeze-thaw: disk \\x1b[31m on fire"},
             {R"({"error": 7})", "refused guest-fsfreeze-thaw: "}}) {
        Guest guest({answers(answer)});
        Agent agent(guest.path());
        const auto error = thrown([&] { (void)agent.thaw(time_of()); });
        BOOST_TEST(error.says(says), answer + " -> " + error.text());
    }
    Guest guest({answers(R"({"error": {"class": "CommandNotFound", "desc": "no"}})")});
    Agent agent(guest.path());
    BOOST_TEST(thrown([&] { (void)agent.thaw(time_of()); }).is(ErrorCode::unsupported));
}

BOOST_AUTO_TEST_CASE(a_second_talk_is_told_of_the_first) {
    posix::Wakeup asked;
    Guest guest({[&](Peer& peer) {
        peer.sync();
        (void)peer.line();
        asked.signal();
        peer.stay();
    }});
    Agent agent(guest.path());
    std::jthread first([&] { (void)thrown([&] { agent.ping(time_of()); }); });
    (void)posix::wait_for(asked.fd(), POLLIN, Deadline::after(milliseconds(10'000)), "the first");
    const auto error = thrown([&] { agent.ping(time_of()); });
    BOOST_TEST(error.is(ErrorCode::busy), error.text());
    BOOST_TEST(error.says("answers another: a test"), error.text());
    agent.interrupt();
}

BOOST_AUTO_TEST_CASE(a_shutdown_takes_the_channel_from_who_has_it) {
    posix::Wakeup asked;
    std::string request;
    Thrown lost;
    {
        Guest guest({[&](Peer& peer) {
                         peer.sync();
                         (void)peer.line();
                         asked.signal();
                         peer.stay();
                     },
                     [&](Peer& peer) {
                         peer.sync();
                         request = peer.line();
                         peer.stay();
                     }});
        Agent agent(guest.path());
        std::jthread first(
            [&] { lost = thrown([&] { agent.ping(time_of(milliseconds(20'000))); }); });
        (void)posix::wait_for(asked.fd(), POLLIN, Deadline::after(milliseconds(10'000)), "first");
        agent.shutdown(false, Deadline::after(milliseconds(10'000)));
        first.join();
    }
    BOOST_TEST(request == R"({"execute":"guest-shutdown","arguments":{"mode":"powerdown"}})");
    BOOST_TEST(lost.is(ErrorCode::busy), lost.text());
    BOOST_TEST(lost.says("taken away for a shutdown"), lost.text());
}

BOOST_AUTO_TEST_CASE(info_has_what_the_agent_knows_and_leaves_out_what_it_refuses) {
    Guest guest({[](Peer& peer) {
        peer.sync();
        const std::vector<std::pair<std::string, std::string>> replies{
            {"guest-info",
             R"({"return":{"version":"7.2.22","supported_commands":[
                 {"name":"guest-get-host-name","enabled":true},
                 {"name":"guest-get-osinfo","enabled":true},
                 {"name":"guest-get-timezone","enabled":false},
                 {"name":"guest-get-users","enabled":true},
                 {"name":"guest-get-fsinfo","enabled":true}, 7, {"name":5}]}})"},
            {"guest-get-host-name", R"({"return":{"host-name":"web"}})"},
            {"guest-get-osinfo", R"({"error":{"class":"GenericError","desc":"no"}})"},
            {"guest-get-users",
             R"({"return":[{"user":"root","login-time":1697041930.5},{"user":"x","login-time":1e300}]})"},
            {"guest-get-fsinfo",
             R"({"return":[{"mountpoint":"/","name":"vda1","type":"ext4","used-bytes":10,"total-bytes":-1}]})"},
        };
        for (const auto& [command, reply] : replies) {
            const auto request = peer.line();
            std::string flat = reply;
            std::erase(flat, '\n');
            peer.say((request.find(command) == std::string::npos ? "{\"return\":\"wrong\"}" : flat) +
                     "\n");
        }
        peer.stay();
    }});
    Agent agent(guest.path());
    const auto info = agent.info(time_of());
    BOOST_TEST(info.agent == "7.2.22");
    BOOST_TEST(info.commands.size() == 4U);
    BOOST_TEST(info.hostname == "web");
    BOOST_TEST(info.os == "");
    BOOST_TEST(info.timezone == "");
    BOOST_REQUIRE(info.users.size() == 2U);
    BOOST_TEST(info.users[0].login_ms == 1697041930500);
    BOOST_TEST(info.users[1].login_ms == 0);
    BOOST_REQUIRE(info.filesystems.size() == 1U);
    BOOST_TEST(info.filesystems[0].used.value() == 10U);
    BOOST_TEST(!info.filesystems[0].total.has_value());
}

BOOST_AUTO_TEST_CASE(lists_and_texts_of_a_guest_are_bounded) {
    std::string text = R"([{"name":")" + std::string(5000, 'n') + R"(","hardware-address":")" +
                       R"(52:54:00:AA:BB:CC","ip-addresses":[)";
    for (int i = 0; i < 1000; ++i) {
        text += R"({"ip-address":"10.0.0.1","prefix":24},)";
    }
    text += R"({"ip-address":7}]})";
    for (int i = 0; i < 1000; ++i) {
        text += R"(,{"name":"eth"})";
    }
    const auto value = qemu::JsonValue::parse(text + "]");
    BOOST_REQUIRE(value.has_value());
    const auto read = qemu::read_interfaces(*value);
    BOOST_TEST(read.interfaces.size() == 128U);
    BOOST_TEST(read.interfaces[0].name.size() == 256U);
    BOOST_TEST(read.interfaces[0].mac == "52:54:00:aa:bb:cc");
    BOOST_TEST(read.interfaces[0].addresses.size() == 64U);
    BOOST_TEST(qemu::read_interfaces(*qemu::JsonValue::parse("7")).interfaces.empty());
}

BOOST_AUTO_TEST_CASE(a_program_is_given_as_words_and_its_output_must_be_base64) {
    const auto status = [](const std::string& text) {
        return qemu::read_exec_status(*qemu::JsonValue::parse(text));
    };
    BOOST_TEST(qemu::exec_arguments({"/bin/sh", {"-c", "a \"b\"; c"}, {"A=b"}, "eA=="}) ==
               R"({"path":"/bin/sh","capture-output":true,"arg":["-c","a \"b\"; c"],)"
               R"("env":["A=b"],"input-data":"eA=="})");
    const auto done = status(R"({"exited":true,"exitcode":3,"out-data":"aGk=","out-truncated":true})");
    BOOST_TEST(done.exited);
    BOOST_TEST(done.exit_code.value() == 3);
    BOOST_TEST(api::decode_base64(done.out_base64).value() == "hi");
    BOOST_TEST(done.out_truncated);
    BOOST_TEST(thrown([&] { (void)status(R"({"exited":true,"out-data":"a"})"); }).says("malformed"));
    BOOST_TEST(thrown([&] { (void)status(R"({"exited":1})"); }).says("did not say"));
    BOOST_TEST(thrown([&] { (void)qemu::read_pid(*qemu::JsonValue::parse("{}")); })
                   .says("did not say"));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace mshv::vmm
