// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/agent.hpp"

#include "daemon/vmm/qemu/qmp.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/posix/socket.hpp"

#include <array>
#include <random>
#include <system_error>

namespace mshv::vmm {
namespace {

using posix::Deadline;

constexpr std::size_t longest_line = 64UL * 1024;
constexpr char delimiter = static_cast<char>(0xff);

class Agent {
public:
    Agent(const std::string& path, Deadline deadline)
        : socket_(posix::connect_unix(path, deadline)), deadline_(deadline) {}

    void send(const std::string& text) {
        posix::write_all(socket_.get(), text, deadline_, "request to the guest agent");
    }

    /// Throws away whatever an earlier session left in the channel: the agent answers with the
    /// number it was given, behind a byte that stands in no JSON.
    void synchronise() {
        const std::uint64_t number = std::random_device{}();
        send(std::string(1, delimiter) + R"({"execute":"guest-sync-delimited","arguments":{"id":)" +
             std::to_string(number) + "}}\n");
        for (;;) {
            const std::string line = next_line();
            const auto mark = line.rfind(delimiter);
            if (mark != std::string::npos &&
                qemu::is_sync_reply(std::string_view(line).substr(mark + 1), number)) {
                return;
            }
        }
    }

    std::string next_line() {
        for (;;) {
            const auto end = pending_.find('\n');
            if (end != std::string::npos) {
                std::string line = pending_.substr(0, end);
                pending_.erase(0, end + 1);
                return line;
            }
            if (pending_.size() > longest_line) {
                throw api::Error(api::ErrorCode::failed, "The guest agent sent a line without end");
            }
            std::array<char, 4096> buffer; // NOLINT: filled by read
            const auto got =
                posix::read_some(socket_.get(), buffer, deadline_, "answer of the guest agent");
            if (got == 0) {
                throw api::Error(api::ErrorCode::failed, "The VMM closed the agent's channel");
            }
            pending_.append(buffer.data(), got);
        }
    }

    /// A request whose success has no answer: only a refusal would come, and at once.
    void expect_silence(Deadline deadline) {
        constexpr auto moment = std::chrono::milliseconds(300);
        const auto soon = Deadline::after(moment);
        deadline_ = deadline.is_never() || soon.point() < deadline.point() ? soon : deadline;
        std::string refusal;
        try {
            refusal = qemu::error_text(next_line());
        } catch (const posix::TimedOut&) {
            return;
        }
        if (!refusal.empty()) {
            throw api::Error(api::ErrorCode::failed, "The guest agent refused: " + refusal);
        }
    }

private:
    posix::Fd socket_;
    Deadline deadline_;
    std::string pending_;
};

} // namespace

void agent_shutdown(const std::string& path, bool reboot, Deadline deadline) {
    try {
        Agent agent(path, deadline);
        agent.synchronise();
        agent.send(std::string(R"({"execute":"guest-shutdown","arguments":{"mode":")") +
                   (reboot ? "reboot" : "powerdown") + "\"}}\n");
        agent.expect_silence(deadline);
    } catch (const posix::TimedOut&) {
        throw api::Error(api::ErrorCode::timeout, "The guest agent did not answer in time",
                         "is qemu-guest-agent running in the guest?");
    } catch (const std::system_error& error) {
        throw api::Error(api::ErrorCode::failed,
                         std::string("Cannot reach the guest agent: ") + error.what(),
                         "give the partition an agent channel and restart it");
    }
}

} // namespace mshv::vmm
