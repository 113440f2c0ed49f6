// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/output/output.hpp"

#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/posix/fd.hpp"

#include <sys/ioctl.h>
#include <system_error>
#include <unistd.h>

namespace mshv::ctl {

void Output::flush() {
    const std::string text = std::exchange(buffer_, {});
    if (text.empty()) {
        return;
    }
    try {
        posix::write_all(STDOUT_FILENO, text, posix::Deadline::never(), "standard output");
    } catch (const std::system_error& error) {
        throw api::Error(api::ErrorCode::failed, "cannot write standard output")
            .because(error.what());
    }
}

bool is_terminal(int fd) {
    return ::isatty(fd) == 1;
}

int terminal_width(int fd) {
    winsize size{};
    return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void write_error(std::string_view text) noexcept {
    while (!text.empty()) {
        const auto written = ::write(STDERR_FILENO, text.data(), text.size());
        if (written <= 0) {
            return;
        }
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

} // namespace mshv::ctl
