// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/console/session.hpp"

#include "toolstack/libs/api/escape.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace mshv::ctl {
namespace {

using console::FrameType;

/// Beyond this the other side is not read until some of it is gone.
constexpr std::size_t most_pending = 256UL * 1024;
/// What a poll that says "writable" promises to take without blocking.
constexpr std::size_t write_piece = 4096;
constexpr char control_c = 0x03;

sigset_t session_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGCONT}) {
        sigaddset(&signals, signal);
    }
    return signals;
}

/// Sends the process to sleep as SIGTSTP would, and returns when it is continued.
void stop_here() {
    static_cast<void>(::raise(SIGSTOP));
}

/// The printable name of a control character: "Ctrl-]".
std::string key_name(char key) {
    const auto code = static_cast<unsigned char>(key);
    return code < 0x20 ? std::string("Ctrl-") + static_cast<char>(code + 0x40)
                       : std::string(1, key);
}

} // namespace

SignalBlock::SignalBlock() {
    const sigset_t signals = session_signals();
    ::sigprocmask(SIG_BLOCK, &signals, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
}

SignalBlock::~SignalBlock() {
    const sigset_t signals = session_signals();
    ::sigprocmask(SIG_UNBLOCK, &signals, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
}

Session::Session(SessionSetup setup)
    : setup_(std::move(setup)), detector_(setup_.escape), input_open_(setup_.input >= 0),
      writer_(!setup_.read_only) {
    const sigset_t signals = session_signals();
    signals_ = posix::Fd{
        posix::check(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK), "create signalfd")};
}

void Session::say(const std::string& text) const {
    if (setup_.output_terminal && setup_.say) {
        setup_.say(text);
    }
}

std::optional<SessionEnd> Session::read_signals(const RawTerminal& raw) {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
        switch (static_cast<int>(info.ssi_signo)) {
        case SIGTSTP:
            raw.leave();
            stop_here();
            raw.enter();
            break;
        case SIGCONT:
            raw.enter();
            break;
        case SIGINT:
            return SessionEnd::detached;
        default:
            return SessionEnd::interrupted;
        }
    }
    return std::nullopt;
}

std::optional<SessionEnd> Session::act(const EscapeDetector::Result& result) {
    if (result.action == EscapeDetector::Action::detach) {
        return SessionEnd::detached;
    }
    if (result.action == EscapeDetector::Action::help) {
        const std::string key = key_name(setup_.escape);
        say(key + " alone or " + key + " .  detaches;  " + key + " " + key + "  sends one;  " +
            key + " ?  shows this");
    }
    if (setup_.read_only) {
        const bool stop = result.forward == std::string(1, control_c);
        return stop ? std::optional(SessionEnd::detached) : std::nullopt;
    }
    std::string_view bytes = writer_ ? result.forward : std::string_view{};
    while (!bytes.empty()) {
        const auto piece = bytes.substr(0, console::largest_payload);
        to_send_ += console::encode_frame(FrameType::data, piece);
        bytes.remove_prefix(piece.size());
    }
    return std::nullopt;
}

std::optional<SessionEnd> Session::read_input() {
    std::array<char, 16UL * 1024> block; // NOLINT(cppcoreguidelines-init-variables): read fills it
    const ssize_t got = ::read(setup_.input, block.data(), block.size());
    if (got < 0) {
        if (errno == EINTR || errno == EAGAIN) {
            return std::nullopt;
        }
        // The terminal is gone: there is nobody left to show anything to.
        return SessionEnd::interrupted;
    }
    if (got == 0) {
        input_open_ = false;
        return setup_.input_terminal ? std::optional(SessionEnd::interrupted) : std::nullopt;
    }
    const std::string_view bytes(block.data(), static_cast<std::size_t>(got));
    if (setup_.input_terminal) {
        return act(detector_.feed(bytes, EscapeDetector::Clock::now()));
    }
    return act({std::string(bytes), EscapeDetector::Action::none});
}

void Session::print(std::string_view bytes) {
    if (collecting_) {
        replayed_ += bytes;
    } else if (setup_.output_terminal && setup_.filter) {
        to_print_ += filter_.filter(bytes);
    } else {
        to_print_ += bytes;
    }
}

/// "GENERATION STATE"
void Session::show_state(std::string_view state) {
    if (state == state_) {
        return;
    }
    state_ = state;
    const auto blank = state.find(' ');
    const std::string generation = api::escape_terminal(state.substr(0, blank));
    const std::string word =
        api::escape_terminal(blank == std::string_view::npos ? "" : state.substr(blank + 1));
    if (greeted_) {
        say(setup_.name + ": generation " + generation + ", " + word);
        return;
    }
    greeted_ = true;
    say("Connected to " + setup_.name + " (" + word + ", generation " + generation + "); " +
        key_name(setup_.escape) + " detaches");
}

std::optional<SessionEnd> Session::take_frame(FrameType type, std::string_view payload) {
    switch (type) {
    case FrameType::data:
        print(payload);
        if (offset_) {
            *offset_ += payload.size();
        }
        break;
    case FrameType::replay_begin:
        offset_ = console::decode_u64(payload);
        collecting_ = static_cast<bool>(on_replay);
        break;
    case FrameType::replay_end:
        if (collecting_) {
            collecting_ = false;
            print(on_replay(replayed_));
            on_replay = {};
        }
        break;
    case FrameType::offset:
        offset_ = console::decode_u64(payload);
        // What came before was the keeper's note of what its ring has lost, no byte of the console.
        replayed_.clear();
        break;
    case FrameType::notice:
        say(api::escape_terminal(payload));
        break;
    case FrameType::state:
        show_state(payload);
        break;
    case FrameType::writer:
        if (writer_ && payload == "0") {
            say("somebody else types now, you only read");
        }
        writer_ = !setup_.read_only && payload == "1";
        break;
    case FrameType::exit:
        exit_reason_ = payload;
        return SessionEnd::ended;
    case FrameType::detach:
        break;
    }
    return std::nullopt;
}

std::optional<SessionEnd> Session::take_frames() {
    std::string_view bytes = received_;
    std::optional<SessionEnd> end;
    while (!end && bytes.size() >= console::header_size) {
        const auto header = console::decode_header(bytes);
        if (!header) {
            end = SessionEnd::lost;
            break;
        }
        if (bytes.size() - console::header_size < header->length) {
            break;
        }
        end = take_frame(header->type, bytes.substr(console::header_size, header->length));
        bytes.remove_prefix(console::header_size + header->length);
    }
    received_.erase(0, received_.size() - bytes.size());
    return end;
}

std::optional<SessionEnd> Session::read_socket() {
    std::array<char, 64UL * 1024> block; // NOLINT(cppcoreguidelines-init-variables): recv fills it
    const ssize_t got = ::recv(socket_.get(), block.data(), block.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return std::nullopt;
    }
    if (got <= 0) {
        return SessionEnd::lost;
    }
    received_.append(block.data(), static_cast<std::size_t>(got));
    return take_frames();
}

bool Session::write_socket() {
    const ssize_t sent =
        ::send(socket_.get(), to_send_.data(), to_send_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) {
        to_send_.erase(0, static_cast<std::size_t>(sent));
    }
    return sent >= 0 || errno == EAGAIN || errno == EINTR;
}

std::optional<SessionEnd> Session::write_output() {
    const ssize_t written =
        ::write(setup_.output, to_print_.data(), std::min(to_print_.size(), write_piece));
    if (written > 0) {
        to_print_.erase(0, static_cast<std::size_t>(written));
        return std::nullopt;
    }
    const bool later = written == 0 || errno == EAGAIN || errno == EINTR;
    return later ? std::nullopt : std::optional(SessionEnd::output_gone);
}

posix::Deadline Session::earliest(posix::Deadline deadline) const {
    const auto due = detector_.due();
    return due && *due < deadline.point() ? posix::Deadline::at(*due) : deadline;
}

std::optional<SessionEnd> Session::step(posix::Deadline deadline, const RawTerminal& raw) {
    const bool full = to_print_.size() >= most_pending;
    const auto socket_events =
        static_cast<short>((full ? 0 : POLLIN) | (to_send_.empty() ? 0 : POLLOUT));
    const bool typing = input_open_ && to_send_.size() < most_pending;
    std::array<pollfd, 4> polled{{{signals_.get(), POLLIN, 0},
                                  {typing ? setup_.input : -1, POLLIN, 0},
                                  {socket_ ? socket_.get() : -1, socket_events, 0},
                                  {to_print_.empty() ? -1 : setup_.output, POLLOUT, 0}}};
    if (::poll(polled.data(), polled.size(), earliest(deadline).poll_timeout()) < 0 &&
        errno != EINTR) {
        posix::throw_errno("poll");
    }
    const auto ready = [&](std::size_t i) { return polled.at(i).revents != 0; };
    constexpr auto nothing = std::optional<SessionEnd>{};
    if (const auto end = ready(0) ? read_signals(raw) : nothing) {
        return end;
    }
    if (const auto end = ready(1) ? read_input() : nothing) {
        return end;
    }
    if (const auto end = act(detector_.tick(EscapeDetector::Clock::now()))) {
        return end;
    }
    if (const auto end = ready(3) ? write_output() : nothing) {
        return end;
    }
    if ((polled[2].revents & POLLOUT) != 0 && !write_socket()) {
        return SessionEnd::lost;
    }
    const bool readable = !full && (polled[2].revents & (POLLIN | POLLHUP | POLLERR)) != 0;
    if (const auto end = readable ? read_socket() : nothing) {
        return end;
    }
    return deadline.expired() ? std::optional(SessionEnd::timed_out) : std::nullopt;
}

/// What was received is shown before the session's end is told. A reader that does not take it
/// within a moment goes without.
void Session::finish() {
    const auto moment = posix::Deadline::after(std::chrono::seconds(2));
    try {
        while (!to_print_.empty()) {
            posix::wait_for(setup_.output, POLLOUT, moment, "standard output");
            if (write_output()) {
                break;
            }
        }
    } catch (const posix::TimedOut&) {
        to_print_.clear();
    }
}

SessionEnd Session::run(posix::Fd socket, std::string_view early, posix::Deadline deadline,
                        const RawTerminal& raw) {
    socket_ = std::move(socket);
    received_ = early;
    to_send_.clear();
    auto end = take_frames();
    while (!end) {
        end = step(deadline, raw);
    }
    if (*end == SessionEnd::detached) {
        to_send_ += console::encode_frame(FrameType::detach, "");
        static_cast<void>(write_socket());
    }
    finish();
    socket_.reset();
    return *end;
}

std::optional<SessionEnd> Session::pause(std::chrono::milliseconds span, const RawTerminal& raw) {
    const auto until = posix::Deadline::after(span);
    for (;;) {
        const auto end = step(until, raw);
        to_send_.clear(); // nobody takes it, and it would be typed into another run of the guest
        if (end) {
            return *end == SessionEnd::timed_out ? std::nullopt : end;
        }
    }
}

} // namespace mshv::ctl
