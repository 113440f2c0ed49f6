// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/console/raw_terminal.hpp"

#include <array>
#include <csignal>
#include <termios.h>

namespace mshv::ctl {
namespace {

// For the signal handler: tcsetattr may be called there, allocation may not.
int saved_fd = -1;
termios saved{};
constexpr std::array fatal_signals{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

void restore_and_die(int signal) {
    ::tcsetattr(saved_fd, TCSANOW, &saved);
    // SA_RESETHAND has put the default action back; it acts when this handler returns.
    static_cast<void>(::raise(signal));
}

void on_fatal_signals(void (*handler)(int)) {
    for (const int signal : fatal_signals) {
        struct sigaction action {};
        action.sa_handler = handler;
        action.sa_flags = static_cast<int>(SA_RESETHAND);
        ::sigaction(signal, &action, nullptr);
    }
}

} // namespace

RawTerminal::RawTerminal(int fd) {
    if (::tcgetattr(fd, &saved) != 0) {
        return;
    }
    saved_fd = fd;
    active_ = true;
    on_fatal_signals(restore_and_die);
    enter();
}

RawTerminal::~RawTerminal() {
    leave();
    if (active_) {
        on_fatal_signals(SIG_DFL);
        saved_fd = -1;
    }
}

void RawTerminal::enter() const {
    if (active_) {
        termios raw = saved;
        ::cfmakeraw(&raw);
        ::tcsetattr(saved_fd, TCSANOW, &raw);
    }
}

void RawTerminal::leave() const {
    if (active_) {
        ::tcsetattr(saved_fd, TCSANOW, &saved);
    }
}

} // namespace mshv::ctl
