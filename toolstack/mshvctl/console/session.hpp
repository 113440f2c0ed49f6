// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/console/frames.hpp"
#include "toolstack/libs/posix/deadline.hpp"
#include "toolstack/libs/posix/fd.hpp"
#include "toolstack/mshvctl/console/escape_detector.hpp"
#include "toolstack/mshvctl/console/raw_terminal.hpp"
#include "toolstack/mshvctl/console/terminal_filter.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace mshv::ctl {

/// What a session reads and writes, and how.
struct SessionSetup {
    int input = -1; ///< -1 = nothing is typed
    int output = -1;
    bool input_terminal = false;  ///< look for the escape key
    bool output_terminal = false; ///< filter, and say what happens
    bool read_only = false;       ///< what is typed goes nowhere; Ctrl-C detaches too
    bool filter = true;
    char escape = 0x1d;
    std::string name; ///< of the partition, escaped
    /// A line for the user, on standard error.
    std::function<void(std::string_view)> say;
};

enum class SessionEnd {
    detached,    ///< by the user
    ended,       ///< the partition ended for good
    lost,        ///< the connection broke
    timed_out,   ///< the deadline passed
    interrupted, ///< by a signal
    output_gone, ///< nobody reads the output any more
};

/// The client's side of a console session, over any number of connections one after the other. The
/// only thread's poll loop: no wait in it is for one thing only. Signals come through a descriptor,
/// so that the terminal is restored by the normal way out.
class Session {
public:
    explicit Session(SessionSetup setup);

    /// Carries bytes both ways until one of the ends. `raw` is put back while the process is
    /// stopped.
    SessionEnd run(posix::Fd socket, std::string_view early, posix::Deadline deadline,
                   const RawTerminal& raw);
    /// Between two connections: waits for `span` unless the user detaches or a signal comes.
    std::optional<SessionEnd> pause(std::chrono::milliseconds span, const RawTerminal& raw);

    /// Where to go on after `lost`; empty before the keeper has said where the stream stands.
    [[nodiscard]] std::optional<std::uint64_t> offset() const { return offset_; }
    [[nodiscard]] const std::string& exit_reason() const { return exit_reason_; }
    /// False once somebody else types.
    [[nodiscard]] bool writer() const { return writer_; }

    /// For `console --log --follow`: replayed bytes go here instead of to the output until the
    /// replay is over; then `on_replay` gets them and returns what is to be printed.
    std::function<std::string(const std::string& replayed)> on_replay;

private:
    std::optional<SessionEnd> read_signals(const RawTerminal& raw);
    std::optional<SessionEnd> read_input();
    std::optional<SessionEnd> act(const EscapeDetector::Result& result);
    std::optional<SessionEnd> read_socket();
    std::optional<SessionEnd> take_frames();
    std::optional<SessionEnd> take_frame(console::FrameType type, std::string_view payload);
    std::optional<SessionEnd> write_output();
    std::optional<SessionEnd> step(posix::Deadline deadline, const RawTerminal& raw);
    [[nodiscard]] posix::Deadline earliest(posix::Deadline deadline) const;
    bool write_socket();
    void print(std::string_view bytes);
    void show_state(std::string_view state);
    void say(const std::string& text) const;
    void finish();

    SessionSetup setup_;
    EscapeDetector detector_;
    TerminalFilter filter_;
    posix::Fd signals_;
    posix::Fd socket_;
    std::string received_; ///< of a frame that is not whole yet
    std::string to_send_;
    std::string to_print_;
    std::string replayed_;
    bool collecting_ = false;
    bool input_open_;
    bool writer_;
    bool greeted_ = false;
    std::string state_;
    std::string exit_reason_;
    std::optional<std::uint64_t> offset_;
};

/// Blocks the signals that Session reads from a descriptor, for as long as it lives; SIGPIPE is
/// ignored meanwhile.
class SignalBlock {
public:
    SignalBlock();
    ~SignalBlock();
    SignalBlock(const SignalBlock&) = delete;
    SignalBlock& operator=(const SignalBlock&) = delete;
};

} // namespace mshv::ctl
