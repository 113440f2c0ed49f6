// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/progress.hpp"

#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/escape.hpp"
#include "toolstack/mshvctl/output/output.hpp"

#include <array>
#include <csignal>
#include <cstring>
#include <unistd.h>

namespace mshv::ctl {
namespace {

// What the signal handler may touch: made ready before the handler is installed.
std::array<char, 512> farewell{};
volatile std::sig_atomic_t farewell_length = 0;

void leave(int /*signal*/) {
    const auto written =
        ::write(STDERR_FILENO, farewell.data(), static_cast<std::size_t>(farewell_length));
    static_cast<void>(written);
    ::_exit(14);
}
static_assert(static_cast<int>(api::ErrorCode::interrupted) == 13,
              "leave() knows interrupted's exit status, 14, of the table in error.cpp");

void on_interrupt(void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    ::sigaction(SIGINT, &action, nullptr);
}

} // namespace

Progress::Progress(std::string_view doing, std::string_view goes_on)
    : doing_(api::escape_terminal(doing)), terminal_(is_terminal(STDERR_FILENO)) {
    const std::string text = (terminal_ ? "\r\x1b[K" : "") + std::string("mshvctl: ") +
                             api::escape_terminal(goes_on) + "\n";
    const auto length = std::min(text.size(), farewell.size());
    std::memcpy(farewell.data(), text.data(), length);
    farewell_length = static_cast<std::sig_atomic_t>(length);
    on_interrupt(leave);
}

Progress::~Progress() {
    on_interrupt(SIG_DFL);
    clear();
}

void Progress::clear() const {
    if (terminal_) {
        write_error("\r\x1b[K");
    }
}

void Progress::update(std::string_view state) {
    if (!terminal_) {
        return;
    }
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - began_);
    std::string line = doing_ + ": " + api::escape_terminal(state) + ", " +
                       std::to_string(seconds.count()) + " s (Ctrl-C stops waiting)";
    const auto width = static_cast<std::size_t>(terminal_width(STDERR_FILENO)) - 1;
    line.resize(std::min(line.size(), width));
    write_error("\r\x1b[K" + line);
}

std::chrono::milliseconds Progress::patience() const {
    return terminal_ ? std::chrono::seconds(1) : std::chrono::seconds(60);
}

} // namespace mshv::ctl
