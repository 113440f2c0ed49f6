// SPDX-License-Identifier: Apache-2.0
#include "daemon/keeper/vmm_child.hpp"

#include "toolstack/libs/posix/command.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

namespace mshv::keeper {
namespace {

using posix::Fd;

struct Pipe {
    Fd read, write;
};

Pipe make_pipe() {
    std::array<int, 2> ends{};
    posix::check(::pipe2(ends.data(), O_CLOEXEC), "create pipe");
    return {Fd{ends[0]}, Fd{ends[1]}};
}

/// Everything below runs in the child, between fork and exec, and ends in exec or _exit.
[[noreturn]] void die(std::string_view what) {
    const std::string text = "mshv-keeper: cannot " + std::string(what) + ": " +
                             std::strerror(errno) + "\n"; // NOLINT: one thread
    [[maybe_unused]] const auto written = ::write(2, text.data(), text.size());
    ::_exit(127);
}

void must(bool done, std::string_view what) {
    if (!done) {
        die(what);
    }
}

void reset_signals() {
    for (int number = 1; number < NSIG; ++number) {
        std::signal(number, SIG_DFL); // SIGKILL, SIGSTOP and the libc's own refuse: no matter
    }
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// Sources first go above every target, so that no dup2 overwrites one that is still needed.
void place_fds(const std::vector<FdMap>& fds) {
    int highest = 2;
    for (const auto& fd : fds) {
        highest = std::max(highest, fd.target);
    }
    std::vector<int> moved;
    for (const auto& fd : fds) {
        moved.push_back(::fcntl(fd.source, F_DUPFD_CLOEXEC, highest + 1));
        must(moved.back() >= 0, "duplicate descriptor");
    }
    // What is not mapped closes itself at exec; it is only marked now, so that errors can be told.
    ::syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
    for (std::size_t i = 0; i < fds.size(); ++i) {
        must(::dup2(moved[i], fds[i].target) >= 0, "place descriptor");
    }
}

void set_limits(const std::vector<Limit>& limits) {
    for (const auto& limit : limits) {
        const auto number = limit.name == "core"      ? RLIMIT_CORE
                            : limit.name == "nofile"  ? RLIMIT_NOFILE
                            : limit.name == "memlock" ? RLIMIT_MEMLOCK
                                                      : RLIMIT_NPROC;
        const rlim_t value = limit.value < 0 ? RLIM_INFINITY : static_cast<rlim_t>(limit.value);
        const rlimit both{value, value};
        must(::setrlimit(number, &both) == 0, "set limit " + limit.name);
    }
}

/// The keeper is the last thing the kernel shall kill for memory, the VMM is an ordinary process.
void set_ordinary_oom_score() {
    const Fd file{::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC)};
    [[maybe_unused]] const auto written = ::write(file.get(), "0", 1);
}

void become(const User& user) {
    std::vector<gid_t> groups(user.groups.begin(), user.groups.end());
    const auto uid = static_cast<uid_t>(user.uid);
    const auto gid = static_cast<gid_t>(user.gid);
    must(::setgroups(groups.size(), groups.data()) == 0, "set groups");
    must(::setresgid(gid, gid, gid) == 0, "set gid");
    must(::setresuid(uid, uid, uid) == 0, "set uid");
}

[[noreturn]] void run_child(const LaunchSpec& spec, Pipe& gate, const Fd& errors) {
    gate.write.reset();
    char go = 0;
    if (::read(gate.read.get(), &go, 1) != 1) {
        ::_exit(126); // the keeper died before it could record this process
    }
    const Fd null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
    must(::dup2(errors.get(), 2) >= 0 && ::dup2(null.get(), 0) >= 0 && ::dup2(null.get(), 1) >= 0,
         "place descriptors");
    ::setsid();
    ::umask(077);
    reset_signals();
    place_fds(spec.fds);
    set_limits(spec.limits);
    set_ordinary_oom_score();
    if (spec.user) {
        become(*spec.user);
    }
    must(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "set no_new_privs");
    std::vector<std::string> argv = spec.argv;
    argv.insert(argv.end(), spec.first_argv.begin(), spec.first_argv.end());
    ::execve(spec.program.c_str(), posix::exec_pointers(argv).data(),
             posix::exec_pointers(spec.env).data());
    die("execute " + spec.program);
}

} // namespace

VmmChild VmmChild::start(const LaunchSpec& spec) {
    Pipe gate = make_pipe();
    Pipe errors = make_pipe();
    MSHV_CRASHPOINT("keeper.fork.before");
    const pid_t pid = posix::check(::fork(), "fork");
    if (pid == 0) {
        run_child(spec, gate, errors.write);
    }
    VmmChild started;
    started.child_.pidfd = posix::PidFd::open_child(pid);
    started.child_.identity = posix::identify_process(pid).value_or(posix::ProcessIdentity{pid, 0});
    started.gate_ = std::move(gate.write);
    started.errors_ = std::move(errors.read);
    posix::set_nonblocking(started.errors_.get(), true);
    MSHV_CRASHPOINT("keeper.fork.after");
    return started;
}

void VmmChild::open_gate() {
    MSHV_CRASHPOINT("keeper.gate.before");
    // A child that died meanwhile (EPIPE) is reported by its exit.
    [[maybe_unused]] const auto written = ::write(gate_.get(), "g", 1);
    gate_.reset();
    MSHV_CRASHPOINT("keeper.gate.after");
}

std::string describe_stuck(pid_t pid) {
    const std::string folder = "/proc/" + std::to_string(pid);
    const auto read = [&](const char* name) {
        try {
            return posix::read_file(folder + name, 4096);
        } catch (const std::exception&) {
            return std::string();
        }
    };
    const std::string stat = read("/stat");
    const auto paren = stat.rfind(')');
    const std::string state =
        paren != std::string::npos && paren + 2 < stat.size() ? stat.substr(paren + 2, 1) : "?";
    const std::string channel = read("/wchan");
    return "process " + std::to_string(pid) + " is in state " + state + ", waiting in " +
           (channel.empty() || channel == "0" ? "an unknown place" : channel);
}

void kill_orphans() {
    std::string children;
    try {
        children =
            posix::read_file("/proc/self/task/" + std::to_string(::getpid()) + "/children", 65536);
    } catch (const std::exception&) {
        return;
    }
    const char* at = children.c_str();
    for (;;) {
        char* end = nullptr;
        const long pid = std::strtol(at, &end, 10);
        if (end == at) {
            return;
        }
        // A child is not reaped before this thread does it, so its number is still its own.
        ::kill(static_cast<pid_t>(pid), SIGKILL);
        at = end;
    }
}

} // namespace mshv::keeper
