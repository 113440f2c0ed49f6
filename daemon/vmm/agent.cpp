// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/agent.hpp"

#include "daemon/vmm/agent_talk.hpp"
#include "daemon/vmm/qemu/agent_replies.hpp"
#include "daemon/vmm/vmm.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"

#include <array>
#include <utility>

namespace mshv::vmm {
namespace {

using api::Error;
using api::ErrorCode;

/// A program's output comes with its status, in one line.
constexpr std::size_t longest_output = 16UL * 1024 * 1024;

} // namespace

GuestAgent* guest_agent_of(VmmProcess& process) {
    auto* const owner = dynamic_cast<GuestAgentOwner*>(&process);
    return owner == nullptr ? nullptr : owner->guest_agent();
}

template <typename Do>
auto Agent::talk(const AgentTime& time, Do action) {
    auto turn = line_.take(time.who, time.turn);
    AgentTalk talk(turn, socket_, time.talk);
    return action(talk);
}

std::int64_t Agent::number(std::string_view command, const AgentTime& time) {
    return talk(time, [&](AgentTalk& talk) {
        const auto number = talk.ask(command).number();
        if (!number) {
            throw Error(ErrorCode::failed,
                        "The guest agent's answer to " + std::string(command) + " is no number");
        }
        return *number;
    });
}

void Agent::shutdown(bool reboot, posix::Deadline deadline) {
    auto turn = line_.seize(reboot ? "a reboot" : "a shutdown", deadline);
    AgentTalk talk(turn, socket_, deadline);
    talk.tell("guest-shutdown", reboot ? R"({"mode":"reboot"})" : R"({"mode":"powerdown"})");
}

void Agent::suspend(const AgentTime& time) {
    talk(time, [](AgentTalk& talk) { talk.tell("guest-suspend-ram", {}); });
}

void Agent::ping(const AgentTime& time) {
    talk(time, [](AgentTalk& talk) { (void)talk.ask("guest-ping"); });
}

api::GuestInfo Agent::info(const AgentTime& time) {
    using Read = void (*)(const qemu::JsonValue&, api::GuestInfo&);
    static constexpr std::array<std::pair<std::string_view, Read>, 5> parts{{
        {"guest-get-host-name", qemu::read_hostname},
        {"guest-get-osinfo", qemu::read_os},
        {"guest-get-timezone", qemu::read_timezone},
        {"guest-get-users", qemu::read_users},
        {"guest-get-fsinfo", qemu::read_filesystems},
    }};
    return talk(time, [](AgentTalk& talk) {
        api::GuestInfo info;
        qemu::read_agent_info(talk.ask("guest-info"), info);
        for (const auto& [command, read] : parts) {
            if (!qemu::knows(info, command)) {
                continue;
            }
            try {
                read(talk.ask(command), info);
            } catch (const Error& error) {
                // What the agent refuses is absent; what it does not answer ends the talk.
                if (error.code() == ErrorCode::timeout || error.code() == ErrorCode::busy) {
                    throw;
                }
            }
        }
        return info;
    });
}

api::GuestAddresses Agent::addresses(const AgentTime& time) {
    return talk(time, [](AgentTalk& talk) {
        return qemu::read_interfaces(talk.ask("guest-network-get-interfaces"));
    });
}

api::GuestExecStarted Agent::exec(const api::GuestExecRequest& request, const AgentTime& time) {
    const std::string arguments = qemu::exec_arguments(request);
    return talk(time, [&](AgentTalk& talk) {
        MSHV_CRASHPOINT("vmm.guest_exec.before");
        const api::GuestExecStarted started{qemu::read_pid(talk.ask("guest-exec", arguments))};
        MSHV_CRASHPOINT("vmm.guest_exec.after");
        return started;
    });
}

api::GuestExecStatus Agent::exec_status(std::int64_t pid, const AgentTime& time) {
    return talk(time, [&](AgentTalk& talk) {
        return qemu::read_exec_status(talk.ask(
            "guest-exec-status", R"({"pid":)" + std::to_string(pid) + "}", longest_output));
    });
}

std::int64_t Agent::freeze(const AgentTime& time) {
    MSHV_CRASHPOINT("vmm.guest_freeze.before");
    const auto count = number("guest-fsfreeze-freeze", time);
    MSHV_CRASHPOINT("vmm.guest_freeze.after");
    return count;
}

std::int64_t Agent::thaw(const AgentTime& time) {
    MSHV_CRASHPOINT("vmm.guest_thaw.before");
    const auto count = number("guest-fsfreeze-thaw", time);
    MSHV_CRASHPOINT("vmm.guest_thaw.after");
    return count;
}

bool Agent::frozen(const AgentTime& time) {
    return talk(time, [](AgentTalk& talk) {
        const auto word = talk.ask("guest-fsfreeze-status").text().value_or("");
        if (word != "frozen" && word != "thawed") {
            throw Error(ErrorCode::failed, "The guest agent did not say whether it is frozen");
        }
        return word == "frozen";
    });
}

std::int64_t Agent::clock_ns(const AgentTime& time) {
    return number("guest-get-time", time);
}

void Agent::set_clock(std::int64_t unix_ns, const AgentTime& time) {
    talk(time, [&](AgentTalk& talk) {
        (void)talk.ask("guest-set-time", R"({"time":)" + std::to_string(unix_ns) + "}");
    });
}

std::vector<GuestVcpu> Agent::vcpus(const AgentTime& time) {
    return talk(time,
                [](AgentTalk& talk) { return qemu::read_vcpus(talk.ask("guest-get-vcpus")); });
}

void Agent::set_vcpus(const std::vector<GuestVcpu>& vcpus, const AgentTime& time) {
    const std::string arguments = qemu::vcpu_arguments(vcpus);
    talk(time, [&](AgentTalk& talk) {
        const auto done = talk.ask("guest-set-vcpus", arguments).number().value_or(0);
        if (done < 0 || static_cast<std::size_t>(done) < vcpus.size()) {
            throw Error(ErrorCode::failed, "The guest changed " + std::to_string(done) + " of " +
                                               std::to_string(vcpus.size()) +
                                               " virtual processors");
        }
    });
}

} // namespace mshv::vmm
