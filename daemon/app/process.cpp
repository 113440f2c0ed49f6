// SPDX-License-Identifier: Apache-2.0
#include "daemon/app/process.hpp"

#include "toolstack/libs/posix/fd.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mshv::app {
namespace {

sigset_t ending_signals() {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGTERM);
    ::sigaddset(&set, SIGINT);
    ::sigaddset(&set, SIGHUP);
    return set;
}

/// A daemon without standard descriptors would give their numbers to its database.
void open_standard_descriptors() {
    for (int number = 0; number <= 2; ++number) {
        if (::fcntl(number, F_GETFD) < 0 && errno == EBADF) {
            // The lowest free number is this one, since those below are open.
            const int opened = ::open("/dev/null", number == 0 ? O_RDONLY : O_WRONLY);
            if (opened != number) {
                ::_exit(1); // nowhere to say why
            }
        }
    }
}

void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
}

} // namespace

void settle_process() {
    open_standard_descriptors();
    ::umask(0077);
    if (::chdir("/") != 0) {
        posix::throw_errno("change to /");
    }
    raise_descriptor_limit();
    // An arena for each of dozens of threads that mostly sleep would only cost memory.
    ::mallopt(M_ARENA_MAX, 2);
    ::mallopt(M_TRIM_THRESHOLD, 256 * 1024);
    ::signal(SIGPIPE, SIG_IGN);
    const sigset_t set = ending_signals();
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

Ending wait_for_end(void (*on_hangup)(void* context), void* context) {
    const sigset_t set = ending_signals();
    for (;;) {
        int signal = 0;
        if (::sigwait(&set, &signal) != 0) {
            continue;
        }
        if (signal == SIGHUP) {
            on_hangup(context);
            continue;
        }
        // Nothing handles them: unblocked they end the process at once.
        ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
        return {signal};
    }
}

} // namespace mshv::app
