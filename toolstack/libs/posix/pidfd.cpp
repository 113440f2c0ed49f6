// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/posix/pidfd.hpp"

#include "toolstack/libs/posix/file.hpp"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <poll.h>
#include <string_view>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

namespace mshv::posix {

std::optional<ProcessIdentity> identify_process(pid_t pid) {
    std::string stat;
    try {
        stat = read_file("/proc/" + std::to_string(pid) + "/stat", 4096);
    } catch (const std::system_error&) {
        return std::nullopt;
    }
    // The command name (field 2) may hold spaces and parentheses: fields are counted after the
    // last ')'. What follows it is field 3, the state.
    const auto paren = stat.rfind(')');
    if (paren == std::string::npos || paren + 2 >= stat.size()) {
        return std::nullopt;
    }
    std::string_view rest = std::string_view(stat).substr(paren + 2);
    if (rest.front() == 'Z' || rest.front() == 'X') {
        return std::nullopt;
    }
    constexpr int fields_before_start = 22 - 3;
    for (int i = 0; i < fields_before_start; ++i) {
        const auto space = rest.find(' ');
        if (space == std::string_view::npos) {
            return std::nullopt;
        }
        rest.remove_prefix(space + 1);
    }
    std::uint64_t ticks = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), ticks);
    if (error != std::errc{}) {
        return std::nullopt;
    }
    return ProcessIdentity{pid, ticks};
}

std::string boot_id() {
    std::string id = read_file("/proc/sys/kernel/random/boot_id", 64);
    while (!id.empty() && id.back() == '\n') {
        id.pop_back();
    }
    return id;
}

PidFd PidFd::open_child(pid_t pid) {
    return PidFd{Fd{check(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)),
                          "open pidfd of " + std::to_string(pid))}};
}

std::optional<PidFd> PidFd::open(ProcessIdentity identity) {
    const auto fd = static_cast<int>(::syscall(SYS_pidfd_open, identity.pid, 0));
    if (fd < 0) {
        if (errno == ESRCH || errno == EINVAL) {
            return std::nullopt;
        }
        throw_errno("open pidfd of " + std::to_string(identity.pid));
    }
    PidFd opened{Fd{fd}};
    // The start time is read after the descriptor is held: from here on the pid cannot be reused
    // under us without the descriptor saying that its process has ended.
    const auto now = identify_process(identity.pid);
    if (!now || *now != identity || !opened.alive()) {
        return std::nullopt;
    }
    return opened;
}

bool PidFd::alive() const {
    pollfd entry{fd_.get(), POLLIN, 0};
    return ::poll(&entry, 1, 0) == 0;
}

bool PidFd::signal(int signal) const {
    if (::syscall(SYS_pidfd_send_signal, fd_.get(), signal, nullptr, 0) == 0) {
        return true;
    }
    if (errno == ESRCH) {
        return false;
    }
    throw_errno("send signal " + std::to_string(signal));
}

void PidFd::wait_ended(Deadline deadline) const {
    wait_for(fd_.get(), POLLIN, deadline, "end of process");
}

std::optional<ExitStatus> PidFd::reap() const {
    siginfo_t info{};
    const auto id = static_cast<id_t>(fd_.get());
    while (::waitid(static_cast<idtype_t>(P_PIDFD), id, &info, WEXITED | WNOHANG) != 0) {
        if (errno != EINTR) {
            throw_errno("reap child");
        }
    }
    if (info.si_pid == 0) {
        return std::nullopt;
    }
    return ExitStatus{info.si_code != CLD_EXITED, info.si_status};
}

} // namespace mshv::posix
