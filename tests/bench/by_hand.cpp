// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/by_hand.hpp"

#include "toolstack/libs/posix/file.hpp"
#include "toolstack/libs/posix/socket.hpp"

#include <array>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <stdexcept>
#include <sys/stat.h>

namespace mshv::bench {
namespace {

constexpr std::string_view monitor_prefix = "socket,id=mon0,fd=";
constexpr std::string_view console_prefix = "pipe,id=con0,path=";

/// Where the arguments name what the daemon made, they get what this program made. SIGTERM shall
/// end it, not pause it.
int adapt(std::vector<std::string>& argv, const std::string& folder) {
    int monitor = -1;
    for (auto& word : argv) {
        if (word.starts_with(monitor_prefix)) {
            monitor = std::atoi(word.c_str() + monitor_prefix.size());
        } else if (word.starts_with(console_prefix)) {
            word = std::string(console_prefix) + folder + "/con";
        } else if (word.find("shutdown=pause") != std::string::npos) {
            word = "reboot=shutdown";
        }
    }
    if (monitor < 0) {
        throw std::runtime_error("the VMM's arguments have no monitor");
    }
    return monitor;
}

} // namespace

QemuByHand::QemuByHand(std::vector<std::string> argv, const std::string& folder) : folder_(folder) {
    const int monitor = adapt(argv, folder);
    posix::make_directories(folder, 0755);
    for (const char* name : {"/con.in", "/con.out"}) {
        posix::check(::mkfifo((folder + name).c_str(), 0600), "make a FIFO");
    }
    output_ = posix::open_file(folder + "/con.out", O_RDWR | O_NONBLOCK);
    input_ = posix::open_file(folder + "/con.in", O_RDWR | O_NONBLOCK);
    const auto listener = posix::listen_unix(folder + "/qmp", 0600);
    posix::Command command;
    command.program = argv.at(0);
    command.argv = std::move(argv);
    command.env = {"PATH=/usr/bin:/bin"};
    command.fds = {{listener.get(), monitor}};
    child_ = posix::spawn(command);
    const auto deadline = e2e::Deadline::after(std::chrono::seconds(30));
    monitor_ = posix::connect_unix(folder + "/qmp", deadline);
    talk("", "\"QMP\"", deadline);
    talk("{\"execute\":\"qmp_capabilities\"}\n", "\"return\"", deadline);
    talk("{\"execute\":\"cont\"}\n", "\"return\"", deadline);
    talk("{\"execute\":\"query-status\"}\n", "\"running\": true", deadline);
}

QemuByHand::~QemuByHand() {
    if (child_.pidfd && child_.pidfd.alive()) {
        child_.pidfd.signal(SIGKILL);
        child_.pidfd.wait_ended(e2e::Deadline::after(std::chrono::seconds(30)));
    }
    if (child_.pidfd) {
        (void)child_.pidfd.reap();
    }
    posix::remove_tree(folder_);
}

void QemuByHand::talk(const std::string& command, const std::string& answer,
                      e2e::Deadline deadline) {
    received_.clear();
    posix::write_all(monitor_.get(), command, deadline, "talk to QEMU");
    std::array<char, 4096> buffer{};
    while (received_.find(answer) == std::string::npos) {
        const auto n = posix::read_some(monitor_.get(), buffer, deadline, "QEMU's answer");
        if (n == 0) {
            throw std::runtime_error("QEMU ended: " + received_);
        }
        received_.append(buffer.data(), n);
    }
}

void QemuByHand::wait_for(const std::string& text, e2e::Deadline deadline) {
    std::array<char, 65536> buffer{};
    while (text_.find(text) == std::string::npos) {
        const auto n = posix::read_some(output_.get(), buffer, deadline, "the guest's console");
        text_.append(buffer.data(), n);
    }
}

void QemuByHand::terminate() {
    child_.pidfd.signal(SIGTERM);
    child_.pidfd.wait_ended(e2e::Deadline::after(std::chrono::seconds(30)));
}

} // namespace mshv::bench
