// SPDX-License-Identifier: Apache-2.0
#include "daemon/keeper/keeper.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <set>
#include <string>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

using namespace mshv::keeper;
using mshv::posix::Fd;

constexpr std::size_t largest_spec = 4 * 1024 * 1024;

void say(int fd, const std::string& text) {
    [[maybe_unused]] const auto written = ::write(fd, text.data(), text.size());
}

/// 0, 1 and 2 must be something: a file opened later must not become the VMM's stderr.
void fill_standard_fds() {
    for (;;) {
        const int fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
        if (fd < 0 || fd > 2) {
            ::close(fd);
            return;
        }
    }
}

/// Owns the VMM's descriptors and closes all that nobody has named.
std::vector<Fd> take_fds(const LaunchSpec& spec) {
    std::set<int> named{listen_fd};
    std::vector<Fd> owned;
    bool monitor_given = false;
    for (const auto& fd : spec.fds) {
        monitor_given = monitor_given || fd.source == spec.monitor_source;
        if (named.insert(fd.source).second) {
            mshv::posix::check(::fcntl(fd.source, F_SETFD, FD_CLOEXEC),
                               "launch spec: descriptor " + std::to_string(fd.source));
            owned.emplace_back(fd.source);
        }
    }
    if (!monitor_given) {
        throw ProtocolError("launch spec: the monitor's socket is not among the descriptors");
    }
    unsigned next = 3;
    for (const int fd : named) {
        const auto number = static_cast<unsigned>(fd);
        if (number > next) {
            ::syscall(SYS_close_range, next, number - 1, 0U);
        }
        next = number + 1;
    }
    ::syscall(SYS_close_range, next, ~0U, 0U);
    return owned;
}

/// The daemon may die, its terminal may go away, memory may run out: the keeper stays.
void settle() {
    ::setsid(); // refused where the daemon did it already
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGHUP, SIG_IGN);
    std::signal(SIGINT, SIG_IGN);
    std::signal(SIGQUIT, SIG_IGN);
    ::umask(0077);
    mshv::posix::check(::chdir("/"), "chdir /");
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    ::prctl(PR_SET_NAME, "mshv-keeper", 0, 0, 0);
    if (const Fd file{::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC)}; file) {
        say(file.get(), "-900"); // refused to an ordinary user
    }
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max; // the VMM has its own limit from the spec
        ::setrlimit(RLIMIT_NOFILE, &files);
    }
    ::fcntl(listen_fd, F_SETFD, FD_CLOEXEC);
}

} // namespace

int main(int argc, char** argv) {
    const std::string verb = argc > 1 ? argv[1] : "";
    if (verb == "--version") {
        say(1, "mshv-keeper " MSHV_VERSION "\n");
        return 0;
    }
    if (verb != "run") {
        say(2, "mshv-keeper is started by mshvd, not by hand; see mshv-keeper(8)\n");
        return 2;
    }
    try {
        fill_standard_fds();
        LaunchSpec spec;
        {
            const Fd file{spec_fd};
            spec = decode_spec(mshv::posix::read_all(file.get(), largest_spec, "launch spec"));
        }
        auto fds = take_fds(spec);
        settle();
        Keeper keeper(std::move(spec), Fd{listen_fd}, std::move(fds));
        keeper.run();
        return 0;
    } catch (const std::exception& error) {
        say(2, "mshv-keeper: " + std::string(error.what()) + "\n");
        return 1;
    }
}
