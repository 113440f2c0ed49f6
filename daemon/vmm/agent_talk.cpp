// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/agent_talk.hpp"

#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/escape.hpp"
#include "toolstack/libs/posix/socket.hpp"

#include <algorithm>
#include <random>
#include <span>
#include <system_error>

namespace mshv::vmm {
namespace {

using api::Error;
using api::ErrorCode;

constexpr char delimiter = static_cast<char>(0xff);
constexpr std::size_t deepest = 16;
/// Of the answer to guest-sync-delimited.
constexpr std::size_t longest_sync = 4096;
/// Of the agent's own words in a message.
constexpr std::size_t longest_text = 500;
/// For a refusal of what is not answered otherwise.
constexpr auto moment = std::chrono::milliseconds(300);

std::string agents_words(const qemu::JsonValue& error) {
    std::string text = qemu::text_at(error, {"desc"});
    if (text.size() > longest_text) {
        text.resize(longest_text);
    }
    return api::escape_terminal(text);
}

[[noreturn]] void refuse(std::string_view command, const qemu::JsonValue& error) {
    const bool unknown = qemu::text_at(error, {"class"}) == "CommandNotFound";
    throw Error(unknown ? ErrorCode::unsupported : ErrorCode::failed,
                "The guest agent refused " + std::string(command) + ": " + agents_words(error),
                unknown ? "its configuration in the guest says what it answers" : "");
}

} // namespace

/// What went wrong below, in the words of the contract.
template <typename Do>
auto AgentTalk::translated(Do action) {
    try {
        return action();
    } catch (const posix::TimedOut&) {
        turn_.check();
        throw Error(ErrorCode::timeout, "The guest agent did not answer in time",
                    "is qemu-guest-agent running in the guest?");
    } catch (const std::system_error& error) {
        turn_.check();
        throw Error(ErrorCode::failed,
                    std::string("Cannot reach the guest agent: ") + error.what(),
                    "give the partition an agent channel and restart it");
    }
}

AgentTalk::AgentTalk(AgentLine::Turn& turn, const std::string& path, posix::Deadline deadline)
    : turn_(turn), deadline_(deadline), use_{turn} {
    translated([&] {
        socket_ = posix::connect_unix(path, deadline);
        turn_.uses(socket_.get());
        synchronise();
    });
}

void AgentTalk::send(std::string_view command, std::string_view arguments,
                     std::string_view before) {
    std::string line(before);
    line += R"({"execute":")";
    line += command;
    line += '"';
    if (!arguments.empty()) {
        line += R"(,"arguments":)";
        line += arguments;
    }
    line += "}\n";
    posix::write_all(socket_.get(), line, deadline_, "request to the guest agent");
}

/// The agent answers with the number it was given, behind a byte that stands in no JSON.
void AgentTalk::synchronise() {
    const auto number = static_cast<std::int64_t>(std::random_device{}());
    send("guest-sync-delimited", R"({"id":)" + std::to_string(number) + "}",
         std::string(1, delimiter));
    for (;;) {
        const std::string line = next_line(longest_sync, Overlong::cut);
        const auto mark = line.rfind(delimiter);
        if (mark != std::string::npos) {
            const auto value =
                qemu::JsonValue::parse(std::string_view(line).substr(mark + 1), deepest);
            const auto* answer = value ? value->find("return") : nullptr;
            if (answer != nullptr && answer->number() == number) {
                return;
            }
        }
    }
}

void AgentTalk::read_more() {
    // Also when it sends piece by piece and always in time.
    if (deadline_.expired()) {
        throw posix::TimedOut("answer of the guest agent");
    }
    constexpr std::size_t piece = 64UL * 1024;
    const std::size_t before = pending_.size();
    pending_.resize(before + piece);
    std::size_t got = 0;
    try {
        got = posix::read_some(socket_.get(), std::span(pending_).subspan(before), deadline_,
                               "answer of the guest agent");
    } catch (...) {
        pending_.resize(before);
        throw;
    }
    pending_.resize(before + got);
    received_ += got;
    if (got == 0) {
        turn_.check();
        throw Error(ErrorCode::failed, "The VMM closed the agent's channel",
                    "the partition has ended, or was reset");
    }
}

std::string AgentTalk::next_line(std::size_t longest, Overlong overlong) {
    for (;;) {
        const auto end = pending_.find('\n', searched_);
        if (end != std::string::npos) {
            std::string line = pending_.substr(0, end);
            pending_.erase(0, end + 1);
            searched_ = 0;
            return line;
        }
        if (pending_.size() > longest && overlong == Overlong::refused) {
            throw Error(ErrorCode::failed,
                        "The guest agent's answer is longer than " +
                            std::to_string(longest / 1024) + " KiB",
                        "let a program write to a file in the guest");
        }
        if (overlong == Overlong::cut) {
            if (received_ > most_junk) {
                throw Error(ErrorCode::failed, "The guest agent sends without end");
            }
            // What is waited for stands at the end.
            pending_.erase(0, pending_.size() - std::min(pending_.size(), longest));
        }
        searched_ = pending_.size();
        read_more();
    }
}

qemu::JsonValue AgentTalk::ask(std::string_view command, std::string_view arguments,
                               std::size_t longest) {
    return translated([&] {
        send(command, arguments);
        const std::string line = next_line(longest);
        const auto value = qemu::JsonValue::parse(line, deepest);
        if (!value || !value->is_object()) {
            throw Error(ErrorCode::failed, "The guest agent's answer to " + std::string(command) +
                                               " is malformed");
        }
        if (const auto* error = value->find("error")) {
            refuse(command, *error);
        }
        const auto* result = value->find("return");
        if (result == nullptr) {
            throw Error(ErrorCode::failed, "The guest agent's answer to " + std::string(command) +
                                               " says nothing");
        }
        return *result;
    });
}

void AgentTalk::tell(std::string_view command, std::string_view arguments) {
    translated([&] {
        send(command, arguments);
        const auto soon = posix::Deadline::after(moment);
        if (deadline_.is_never() || soon.point() < deadline_.point()) {
            deadline_ = soon;
        }
        std::string line;
        try {
            line = next_line(usual_answer);
        } catch (const posix::TimedOut&) {
            return;
        }
        const auto value = qemu::JsonValue::parse(line, deepest);
        if (const auto* error = value ? value->find("error") : nullptr) {
            refuse(command, *error);
        }
    });
}

} // namespace mshv::vmm
