// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/vmm/agent_line.hpp"
#include "daemon/vmm/qemu/json_value.hpp"
#include "toolstack/libs/posix/fd.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace mshv::vmm {

/// One talk with a guest's agent, over the VMM's socket. It begins with guest-sync-delimited, so
/// that nothing an earlier talk has left in the channel, a late answer least of all, is taken for an
/// answer of this one. Not thread-safe.
class AgentTalk {
public:
    /// Bytes that one answer may have, unless it is said otherwise.
    static constexpr std::size_t usual_answer = 256UL * 1024;
    /// Bytes that are skipped at its beginning.
    static constexpr std::size_t most_junk = 64UL * 1024 * 1024;

    /// Connects and synchronises. Throws api::Error.
    AgentTalk(AgentLine::Turn& turn, const std::string& path, posix::Deadline deadline);
    AgentTalk(const AgentTalk&) = delete;
    AgentTalk& operator=(const AgentTalk&) = delete;
    ~AgentTalk() = default;

    /// The value that `command` returns; `arguments` is a JSON object or empty. Throws api::Error:
    /// unsupported for a command that the agent does not know, failed with its own text.
    qemu::JsonValue ask(std::string_view command, std::string_view arguments = {},
                        std::size_t longest = usual_answer);
    /// A request whose success has no answer: only a refusal would come, and at once.
    void tell(std::string_view command, std::string_view arguments);

private:
    void synchronise();
    void send(std::string_view command, std::string_view arguments, std::string_view before = {});
    /// What becomes of a line that is longer than it may be.
    enum class Overlong { refused, cut };
    std::string next_line(std::size_t longest, Overlong overlong = Overlong::refused);
    void read_more();
    template <typename Do>
    auto translated(Do action);

    AgentLine::Turn& turn_;
    posix::Deadline deadline_;
    posix::Fd socket_;
    /// Takes the descriptor back before it is closed, also when the talk never began.
    struct Use {
        AgentLine::Turn& turn;
        explicit Use(AgentLine::Turn& t) : turn(t) {}
        Use(const Use&) = delete;
        Use& operator=(const Use&) = delete;
        ~Use() { turn.uses(-1); }
    } use_;
    std::string pending_;
    std::size_t searched_ = 0; ///< of pending_, where no line ends
    std::size_t received_ = 0;
};

} // namespace mshv::vmm
