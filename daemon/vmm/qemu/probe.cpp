// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/qemu/probe.hpp"

#include "daemon/vmm/qemu/qmp.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/escape.hpp"
#include "toolstack/libs/posix/command.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"
#include "toolstack/libs/posix/file.hpp"
#include "toolstack/libs/posix/socket.hpp"

#include <array>
#include <csignal>
#include <fcntl.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace mshv::vmm::qemu {
namespace {

using posix::Deadline;
using posix::Fd;

/// Ends and reaps the probed process whatever happens.
class ProbeChild {
public:
    explicit ProbeChild(posix::Child child) : child_(std::move(child)) {}
    ProbeChild(const ProbeChild&) = delete;
    ProbeChild& operator=(const ProbeChild&) = delete;
    ProbeChild(ProbeChild&&) = delete;
    ProbeChild& operator=(ProbeChild&&) = delete;
    ~ProbeChild() {
        try {
            child_.pidfd.signal(SIGKILL);
            child_.pidfd.wait_ended(Deadline::after(std::chrono::seconds(2)));
            (void)child_.pidfd.reap();
        } catch (const std::exception&) { // NOLINT: a destructor; the process is dying anyway
        }
    }

private:
    posix::Child child_;
};

/// One QMP conversation, question by question.
class Conversation {
public:
    Conversation(Fd socket, Deadline deadline) : socket_(std::move(socket)), deadline_(deadline) {}

    std::string next_line() {
        for (;;) {
            const auto end = pending_.find('\n', searched_);
            if (end != std::string::npos) {
                std::string line = pending_.substr(0, end);
                pending_.erase(0, end + 1);
                searched_ = 0;
                return line;
            }
            searched_ = pending_.size();
            if (pending_.size() > longest_qmp_line) {
                throw api::Error(api::ErrorCode::failed, "It sent a line without end");
            }
            std::array<char, 65536> buffer; // NOLINT: filled by read
            const auto got =
                posix::read_some(socket_.get(), buffer, deadline_, "answer of the VMM");
            if (got == 0) {
                throw api::Error(api::ErrorCode::failed, "It closed its monitor");
            }
            pending_.append(buffer.data(), got);
        }
    }

    std::string ask(const std::string& command) {
        posix::write_all(socket_.get(), command + "\n", deadline_, "command to the VMM");
        for (;;) {
            std::string line = next_line();
            if (classify_line(line) != QmpLine::event) {
                return line;
            }
        }
    }

private:
    Fd socket_;
    Deadline deadline_;
    std::string pending_;
    std::size_t searched_ = 0;
};

std::set<std::string> accelerator_names(const std::set<std::string>& types) {
    // QOM names are "tcg-accel", "kvm-accel" …
    constexpr std::string_view suffix = "-accel";
    std::set<std::string> names;
    for (const auto& type : types) {
        if (type.ends_with(suffix)) {
            names.insert(type.substr(0, type.size() - suffix.size()));
        }
    }
    return names;
}

Capabilities converse(const std::string& program, Fd socket, Deadline deadline) {
    Conversation qmp(std::move(socket), deadline);
    if (classify_line(qmp.next_line()) != QmpLine::greeting) {
        throw api::Error(api::ErrorCode::failed, "It sent no greeting");
    }
    expect_success(qmp.ask(qmp_command("qmp_capabilities")), "talk");
    Capabilities found;
    found.program = program;
    found.version = parse_version(qmp.ask(qmp_command("query-version")));
    found.accelerators = accelerator_names(
        parse_names(qmp.ask(qmp_command("qom-list-types", R"({"implements":"accel"})"))));
    found.machines = parse_names(qmp.ask(qmp_command("query-machines")), "name", "alias");
    found.devices =
        parse_names(qmp.ask(qmp_command("qom-list-types", R"({"implements":"device"})")));
    found.cpu_models = parse_names(qmp.ask(qmp_command("query-cpu-definitions")));
    found.commands = parse_names(qmp.ask(qmp_command("query-commands")));
    return found;
}

/// What the program wrote to its stderr; called after its end or its failure.
std::string last_words(int fd) {
    std::array<char, 1024> buffer; // NOLINT: filled by read
    posix::set_nonblocking(fd, true);
    const auto got = ::read(fd, buffer.data(), buffer.size());
    std::string text(buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
    while (!text.empty() && text.back() == '\n') {
        text.pop_back();
    }
    return api::escape_terminal(text);
}

} // namespace

Capabilities probe(const std::string& program, Deadline deadline) {
    constexpr int monitor = 3;
    auto [ours, theirs] = posix::socket_pair(SOCK_STREAM);
    std::array<int, 2> pipe_ends{};
    posix::check(::pipe2(pipe_ends.data(), O_CLOEXEC), "create pipe");
    const Fd words{pipe_ends[0]};
    Fd words_in{pipe_ends[1]};
    posix::Command command;
    command.program = program;
    command.argv = {program,       "-M",
                    "none",        "-S",
                    "-display",    "none",
                    "-nodefaults", "-no-user-config",
                    "-chardev",    "socket,id=mon0,fd=" + std::to_string(monitor),
                    "-qmp",        "chardev:mon0"};
    command.env = {"LC_ALL=C"};
    command.fds = {{theirs.get(), monitor}, {words_in.get(), 2}};
    command.new_session = true;
    command.dies_with_parent = true; // it does not mind that nobody talks to it any more
    const std::string subject = "Cannot use the VMM " + program;
    try {
        const ProbeChild child(posix::spawn(command));
        theirs.reset();
        words_in.reset();
        return converse(program, std::move(ours), deadline);
    } catch (const api::Error& error) {
        const std::string text = last_words(words.get());
        throw api::Error(api::ErrorCode::failed, subject + ": " + error.message(),
                         "check that it is qemu-system-x86_64 of version 7.2 or later")
            .because(text);
    } catch (const posix::TimedOut&) {
        throw api::Error(api::ErrorCode::timeout, subject + ": it did not answer in time");
    } catch (const std::system_error& error) {
        throw api::Error(api::ErrorCode::unsupported, subject + ": " + error.what(),
                         "install qemu-system-x86, or set the VMM's path in mshvd.toml");
    }
}

std::shared_ptr<const Capabilities> CapabilityCache::get(const std::string& program,
                                                         Deadline deadline) {
    const posix::Lock lock(mutex_);
    BinaryKey key;
    try {
        key = BinaryKey::of(program);
    } catch (const std::system_error& error) {
        throw api::Error(api::ErrorCode::unsupported,
                         std::string("Cannot use the VMM: ") + error.what(),
                         "install qemu-system-x86, or set the VMM's path in mshvd.toml");
    }
    const auto known = known_.find(program);
    if (known != known_.end() && known->second.first == key) {
        return known->second.second;
    }
    const std::string file = folder_ + "/qemu-" + std::to_string(std::hash<std::string>{}(program));
    std::optional<Capabilities> found;
    try {
        found = from_cache_text(key, posix::read_file(file, 1024UL * 1024));
    } catch (const std::system_error&) {
        found.reset(); // no such file yet, or not readable: asked anew
    }
    if (!found) {
        found = probe(program, deadline);
        try {
            posix::make_directories(folder_, 0755);
            MSHV_CRASHPOINT("vmm.capabilities.before_write");
            posix::replace_file(file, to_cache_text(key, *found), 0644);
        } catch (const std::system_error&) { // NOLINT: a cache that cannot be written is no fault
        }
    }
    auto shared = std::make_shared<const Capabilities>(std::move(*found));
    known_.insert_or_assign(program, std::pair(key, shared));
    return shared;
}

} // namespace mshv::vmm::qemu
