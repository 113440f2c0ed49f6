// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/top/screen.hpp"

#include "toolstack/libs/api/error.hpp"

#include <clocale>
#include <csignal>
#include <cstdlib>
#include <ncurses.h>
#include <termcap.h>

namespace mshv::ctl {
namespace {

constexpr int control_c = 3;
constexpr int control_l = 12;
constexpr int control_z = 26;
constexpr int escape = 27;
constexpr int escape_ms = 50; ///< after which Escape alone is a key, not the beginning of one

Screen::Key meaning(int key) {
    using enum Screen::Key;
    switch (key) {
    case ERR:
        return none;
    case 'q':
    case 'Q':
    case control_c:
    case escape:
        return quit;
    case 's':
    case 'S':
        return sort;
    case 'r':
    case 'R':
        return reverse;
    case 'v':
    case 'V':
        return vcpus;
    case 'f':
    case 'F':
        return names;
    case '+':
        return slower;
    case '-':
        return faster;
    case KEY_UP:
    case 'k':
        return up;
    case KEY_DOWN:
    case 'j':
        return down;
    case KEY_PPAGE:
        return page_up;
    case KEY_NPAGE:
        return page_down;
    case KEY_HOME:
        return first;
    case KEY_RESIZE:
    case control_l:
    case ' ':
        return refresh;
    default:
        return none;
    }
}

} // namespace

/// ncurses' own; a global of the library's stands behind it.
struct Screen::Terminal {
    SCREEN* screen = nullptr;
};

Screen::Screen() : terminal_(std::make_unique<Terminal>()) {
    // Only for the width of characters: numbers keep their points.
    std::setlocale(LC_CTYPE, "");
    // Asked first, since newterm() keeps what it took for a terminal that it does not know.
    const char* kind = std::getenv("TERM");
    if (kind != nullptr && tgetent(nullptr, kind) == 1) {
        terminal_->screen = newterm(nullptr, stdout, stdin);
    }
    if (terminal_->screen == nullptr) {
        throw api::Error(api::ErrorCode::unsupported,
                         "The terminal '" + std::string(kind == nullptr ? "" : kind) +
                             "' is of no kind that is known here",
                         "set TERM, or use 'top -b'");
    }
    // Control keys are keys, so that the terminal is restored whichever ends the program.
    raw();
    noecho();
    nonl();
    keypad(stdscr, true);
    set_escdelay(escape_ms);
    curs_set(0);
}

Screen::~Screen() {
    endwin();
    delscreen(terminal_->screen);
}

std::size_t Screen::rows() const {
    return static_cast<std::size_t>(LINES);
}

void Screen::show(const std::vector<Line>& lines) {
    erase();
    for (std::size_t row = 0; row < lines.size() && row < rows(); ++row) {
        attrset(lines[row].bright ? static_cast<int>(A_REVERSE) : static_cast<int>(A_NORMAL));
        mvaddnstr(static_cast<int>(row), 0, lines[row].text.c_str(), -1);
    }
    attrset(A_NORMAL);
    refresh();
}

Screen::Key Screen::wait(posix::Deadline deadline) {
    for (;;) {
        const int left = deadline.poll_timeout();
        timeout(left);
        const int key = getch();
        if (key == control_z) {
            endwin();
            static_cast<void>(std::raise(SIGTSTP));
            return Key::refresh; // which begins ncurses' mode again
        }
        const Key meant = meaning(key);
        if (meant != Key::none || left == 0) {
            return meant;
        }
    }
}

} // namespace mshv::ctl
