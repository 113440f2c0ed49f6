// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/programs.hpp"

#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/posix/command.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <csignal>
#include <cstdlib>
#include <system_error>
#include <unistd.h>

namespace mshv::ctl {

std::vector<std::string> split_words(std::string_view text, char separator) {
    std::vector<std::string> words;
    while (!text.empty()) {
        const auto end = text.find(separator);
        if (end != 0) {
            words.emplace_back(text.substr(0, end));
        }
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    }
    return words;
}

std::optional<std::string> find_program(const std::string& name) {
    if (name.find('/') != std::string::npos) {
        return name;
    }
    const char* path = std::getenv("PATH");
    for (const auto& folder : split_words(path != nullptr ? path : "/usr/bin:/bin", ':')) {
        std::string program = folder + "/" + name;
        if (::access(program.c_str(), X_OK) == 0) {
            return program;
        }
    }
    return std::nullopt;
}

void run_program(std::vector<std::string> words, int output, posix::Deadline deadline) {
    constexpr std::size_t longest_complaint = 1024UL * 1024;
    const std::string name = words.at(0);
    const auto program = find_program(name);
    if (!program) {
        throw api::Error(api::ErrorCode::unsupported, "there is no " + name + " on this host");
    }
    const posix::Fd said = posix::memory_file_for_writing(name);
    posix::Command command;
    command.program = *program;
    command.argv = std::move(words);
    for (char** variable = environ; *variable != nullptr; ++variable) {
        command.env.emplace_back(*variable);
    }
    command.fds = {{output, STDOUT_FILENO}, {said.get(), STDERR_FILENO}};
    command.dies_with_parent = true;
    std::optional<posix::ExitStatus> status;
    try {
        const posix::Child child = posix::spawn(command);
        try {
            child.pidfd.wait_ended(deadline);
        } catch (const posix::TimedOut&) {
            child.pidfd.signal(SIGKILL);
            child.pidfd.wait_ended(posix::Deadline::never());
            static_cast<void>(child.pidfd.reap());
            throw api::Error(api::ErrorCode::timeout, name + " did not end in time");
        }
        status = child.pidfd.reap();
    } catch (const std::system_error& error) {
        throw api::Error(api::ErrorCode::failed, "cannot run " + name)
            .because(error.code().message());
    }
    if (status && !status->signalled && status->value == 0) {
        return;
    }
    ::lseek(said.get(), 0, SEEK_SET);
    const auto lines = split_words(posix::read_all(said.get(), longest_complaint, name), '\n');
    throw api::Error(api::ErrorCode::failed,
                     lines.empty() ? name + " failed and did not say why" : lines.back());
}

} // namespace mshv::ctl
