// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/posix/command.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <memory>
#include <spawn.h>
#include <system_error>
#include <unistd.h>

namespace mshv::posix {
namespace {

void check_spawn(int error, const std::string& what) {
    if (error != 0) {
        throw std::system_error(error, std::generic_category(), what);
    }
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
    std::vector<char*> result;
    result.reserve(strings.size() + 1);
    for (const auto& text : strings) {
        result.push_back(const_cast<char*>(text.c_str()));
    }
    result.push_back(nullptr);
    return result;
}

class FileActions {
public:
    FileActions() { check_spawn(::posix_spawn_file_actions_init(&actions_), "spawn"); }
    FileActions(const FileActions&) = delete;
    FileActions& operator=(const FileActions&) = delete;
    ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }
    posix_spawn_file_actions_t* get() { return &actions_; }

private:
    posix_spawn_file_actions_t actions_{};
};

class Attributes {
public:
    explicit Attributes(bool new_session) {
        check_spawn(::posix_spawnattr_init(&attributes_), "spawn");
        sigset_t none;
        sigset_t all;
        ::sigemptyset(&none);
        ::sigfillset(&all);
        ::posix_spawnattr_setsigmask(&attributes_, &none);
        ::posix_spawnattr_setsigdefault(&attributes_, &all);
        int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
        if (new_session) {
            flags |= POSIX_SPAWN_SETSID;
        }
        ::posix_spawnattr_setflags(&attributes_, static_cast<short>(flags));
    }
    Attributes(const Attributes&) = delete;
    Attributes& operator=(const Attributes&) = delete;
    ~Attributes() { ::posix_spawnattr_destroy(&attributes_); }
    posix_spawnattr_t* get() { return &attributes_; }

private:
    posix_spawnattr_t attributes_{};
};

} // namespace

Child spawn(const Command& command) {
    FileActions actions;
    // Sources are first moved above every target, so that no dup2 overwrites a source that a later
    // mapping still needs.
    int highest = 2;
    for (const auto& mapping : command.fds) {
        highest = std::max(highest, mapping.target);
    }
    std::vector<Fd> moved;
    for (const auto& mapping : command.fds) {
        moved.emplace_back(
            check(::fcntl(mapping.source, F_DUPFD_CLOEXEC, highest + 1), "duplicate for spawn"));
    }
    for (int standard = 0; standard <= 2; ++standard) {
        check_spawn(::posix_spawn_file_actions_addopen(actions.get(), standard, "/dev/null",
                                                       standard == 0 ? O_RDONLY : O_WRONLY, 0),
                    "spawn");
    }
    std::vector<int> targets{0, 1, 2};
    for (std::size_t i = 0; i < moved.size(); ++i) {
        check_spawn(::posix_spawn_file_actions_adddup2(actions.get(), moved[i].get(),
                                                       command.fds[i].target),
                    "spawn");
        targets.push_back(command.fds[i].target);
    }
    for (int number = 3; number <= highest; ++number) {
        if (std::find(targets.begin(), targets.end(), number) == targets.end()) {
            // Closing a number that is not open is no error here; glibc ignores EBADF.
            check_spawn(::posix_spawn_file_actions_addclose(actions.get(), number), "spawn");
        }
    }
    check_spawn(::posix_spawn_file_actions_addclosefrom_np(actions.get(), highest + 1), "spawn");

    Attributes attributes(command.new_session);
    auto argv = pointers(command.argv);
    auto env = pointers(command.env);
    pid_t pid = 0;
    check_spawn(::posix_spawn(&pid, command.program.c_str(), actions.get(), attributes.get(),
                              argv.data(), env.data()),
                "execute " + command.program);
    // The child is not reaped before its pidfd is held, so its pid cannot be another's yet.
    Child child;
    child.pidfd = PidFd::open_child(pid);
    child.identity = identify_process(pid).value_or(ProcessIdentity{pid, 0});
    return child;
}

} // namespace mshv::posix
