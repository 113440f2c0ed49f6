// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/keeper/loop.hpp"
#include "daemon/keeper/protocol.hpp"
#include "daemon/keeper/qmp_scan.hpp"

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace mshv::keeper {

/// How a command to the VMM ended.
enum class ReplyKind { returned, error, gone, faulty };

/// The code of an error answer, where the VMM gave none itself.
inline std::string_view code_for(ReplyKind kind) {
    return kind == ReplyKind::gone ? "vmm_gone" : "vmm_faulty";
}

/// What a monitor tells its keeper.
class MonitorListener {
public:
    virtual ~MonitorListener() = default;
    virtual void monitor_ready() = 0;
    virtual void monitor_event(const QmpLine& line) = 0;
    virtual void monitor_responsive(bool responsive, std::string_view detail) = 0;
};

/// The only QMP client of one VMM after the other. It believes nothing: lines, depth, memory and
/// the number of outstanding commands are bounded, and a VMM that breaks the protocol is cut off
/// and tried again later, with growing pauses, for as long as it lives.
class Monitor {
public:
    /// `line` is what the VMM sent, or a text for `gone` and `faulty`.
    using Reply =
        std::function<void(ReplyKind kind, const QmpLine& scanned, std::string_view line)>;
    static constexpr std::size_t most_outstanding = 256;

    /// `listener_socket`: the listening socket that each VMM inherits.
    Monitor(Loop& loop, int listener_socket, std::chrono::milliseconds liveness,
            MonitorListener& listener);

    /// A new VMM is about to run.
    void start();
    /// It has ended: what it still said is read, then everything outstanding is answered `gone`.
    void stop();

    /// This VMM has answered once.
    [[nodiscard]] bool ready() const { return was_ready_; }
    [[nodiscard]] bool responsive() const { return responsive_; }
    [[nodiscard]] std::size_t outstanding() const { return pending_.size(); }
    /// `command` is a JSON object without "id".
    void send(std::string_view command, Reply reply) {
        send(command, posix::Fd{}, std::move(reply));
    }
    /// `fd` goes with the command, and is closed here when the VMM has it.
    void send(std::string_view command, posix::Fd fd, Reply reply);

private:
    enum class Stage { off, greeting, capabilities, status, ready };

    void connect();
    void disconnect();
    void faulty(const std::string& why);
    void fail_pending(ReplyKind kind, const std::string& why);
    void on_io(std::uint32_t events);
    bool read_input();
    void closed();
    void take_line(std::string_view line);
    void take_greeting();
    void flush();
    void probe();
    void answered();

    struct Pending {
        Reply reply;
        std::chrono::steady_clock::time_point since;
    };

    Loop& loop_;
    int listener_socket_;
    std::chrono::milliseconds liveness_;
    MonitorListener& listener_;
    Stage stage_ = Stage::off;
    bool running_ = false; ///< a VMM is there
    bool was_ready_ = false;
    bool responsive_ = true;
    posix::Fd socket_;
    Watch watch_;
    LineBuffer input_{longest_qmp_line};
    std::string output_;
    /// Descriptors that are still to be sent, by how much of output_ stands before the command.
    std::deque<std::pair<std::size_t, posix::Fd>> output_fds_;
    std::map<std::uint64_t, Pending> pending_; ///< oldest first
    std::uint64_t next_id_ = 1;
    std::chrono::milliseconds retry_pause_{1000};
    bool probing_ = false;
    bool closed_by_vmm_ = false;
    std::chrono::steady_clock::time_point heard_{};
    Timer retry_, liveness_timer_;
};

} // namespace mshv::keeper
