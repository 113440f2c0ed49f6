// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/posix/command.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sys/prctl.h>
#include <system_error>
#include <unistd.h>

namespace mshv::posix {
namespace {

/// Everything that the child needs, made before the fork.
struct Plan {
    const char* program = nullptr;
    std::vector<char*> argv, env;
    std::vector<Command::FdMapping> fds; ///< sources are above every target
    std::vector<char> is_target;         ///< by number, up to the highest
    int report = -1;                     ///< where errno is written when the program cannot run
    pid_t parent = 0;
    int cgroup = -1;
    bool new_session = false;
    bool dies_with_parent = false;
};

bool set_descriptors(const Plan& plan) {
    for (int standard = 0; standard <= 2; ++standard) {
        const int null = ::open("/dev/null", standard == 0 ? O_RDONLY : O_WRONLY);
        if (null < 0) {
            return false;
        }
        if (null != standard) {
            if (::dup2(null, standard) < 0) {
                return false;
            }
            ::close(null);
        }
    }
    for (const auto& mapping : plan.fds) {
        if (::dup2(mapping.source, mapping.target) < 0) {
            return false;
        }
    }
    const auto above = static_cast<unsigned>(plan.is_target.size());
    for (unsigned number = 3; number < above; ++number) {
        if (plan.is_target[number] == 0) {
            ::close(static_cast<int>(number));
        }
    }
    return ::close_range(above, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
}

void reset_signals() {
    struct sigaction standard {};
    standard.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; ++number) {
        ::sigaction(number, &standard, nullptr); // SIGKILL, SIGSTOP and libc's own refuse
    }
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// The child, between fork and exec: a copy of one thread, so nothing here may allocate or wait for
/// a lock.
[[noreturn]] void become(const Plan& plan) {
    reset_signals();
    bool ready = true;
    if (plan.dies_with_parent) {
        ready = ::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0;
        if (::getppid() != plan.parent) {
            ::_exit(1); // it has died already, and nobody reads the report
        }
    }
    ready = ready && (plan.cgroup < 0 || ::write(plan.cgroup, "0", 1) == 1);
    ready = ready && (!plan.new_session || ::setsid() >= 0) && set_descriptors(plan);
    if (ready) {
        ::execve(plan.program, plan.argv.data(), plan.env.data());
    }
    const int error = errno;
    (void)!::write(plan.report, &error, sizeof error);
    ::_exit(127);
}

/// Signals wait meanwhile, so that no handler of ours runs in the child.
class SignalsBlocked {
public:
    SignalsBlocked() {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;
    ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
    sigset_t before_{};
};

/// The child's errno, or 0 once it is executed.
int read_report(int report) {
    int error = 0;
    for (;;) {
        const auto n = ::read(report, &error, sizeof error);
        if (n == sizeof error) {
            return error;
        }
        if (n >= 0 || errno != EINTR) {
            return 0;
        }
    }
}

} // namespace

std::vector<char*> exec_pointers(const std::vector<std::string>& strings) {
    std::vector<char*> result;
    result.reserve(strings.size() + 1);
    for (const auto& text : strings) {
        result.push_back(const_cast<char*>(text.c_str()));
    }
    result.push_back(nullptr);
    return result;
}

Child spawn(const Command& command) {
    // Sources are first moved above every target, so that no dup2 overwrites a source that a later
    // mapping still needs.
    int highest = 2;
    for (const auto& mapping : command.fds) {
        highest = std::max(highest, mapping.target);
    }
    Plan plan;
    plan.is_target.resize(static_cast<std::size_t>(highest) + 1);
    std::vector<Fd> moved;
    moved.reserve(command.fds.size());
    plan.fds.reserve(command.fds.size());
    for (const auto& mapping : command.fds) {
        moved.emplace_back(
            check(::fcntl(mapping.source, F_DUPFD_CLOEXEC, highest + 1), "duplicate for spawn"));
        plan.fds.push_back({moved.back().get(), mapping.target});
        plan.is_target[static_cast<std::size_t>(mapping.target)] = 1;
    }
    std::array<int, 2> ends{};
    check(::pipe2(ends.data(), O_CLOEXEC), "create pipe for spawn");
    const Fd outcome{ends[0]};
    Fd near{ends[1]};
    Fd report{check(::fcntl(near.get(), F_DUPFD_CLOEXEC, highest + 1), "duplicate for spawn")};
    near.reset();
    plan.program = command.program.c_str();
    plan.argv = exec_pointers(command.argv);
    plan.env = exec_pointers(command.env);
    plan.report = report.get();
    plan.cgroup = command.cgroup;
    plan.parent = ::getpid();
    plan.new_session = command.new_session;
    plan.dies_with_parent = command.dies_with_parent;
    pid_t pid = 0;
    {
        const SignalsBlocked blocked;
        pid = ::fork();
        if (pid == 0) {
            become(plan);
        }
    }
    check(pid, "fork for " + command.program);
    report.reset();
    // The child is not reaped before its pidfd is held, so its pid cannot be another's yet.
    Child child;
    child.pidfd = PidFd::open_child(pid);
    if (const int error = read_report(outcome.get()); error != 0) {
        child.pidfd.wait_ended(Deadline::never());
        (void)child.pidfd.reap();
        throw std::system_error(error, std::generic_category(), "execute " + command.program);
    }
    child.identity = identify_process(pid).value_or(ProcessIdentity{pid, 0});
    return child;
}

} // namespace mshv::posix
