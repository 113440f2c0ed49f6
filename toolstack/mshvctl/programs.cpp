// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/programs.hpp"

#include "toolstack/libs/api/error.hpp"
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

namespace {

constexpr std::size_t longest_complaint = 1024UL * 1024;

posix::Child start(const std::string& path, std::vector<std::string> words,
                   std::vector<std::string> environment, int output, int said) {
    posix::Command command;
    command.program = path;
    command.argv = std::move(words);
    command.env = std::move(environment);
    command.fds = {{output, STDOUT_FILENO}, {said, STDERR_FILENO}};
    command.dies_with_parent = true;
    return posix::spawn(command);
}

} // namespace

ProgramRun::ProgramRun(const std::string& path, std::vector<std::string> words,
                       std::vector<std::string> environment, int output)
    : said_(posix::memory_file_for_writing("stderr")),
      child_(start(path, std::move(words), std::move(environment), output, said_.get())) {}

void ProgramRun::wait(posix::Deadline deadline) const {
    try {
        child_.pidfd.wait_ended(deadline);
    } catch (const posix::TimedOut&) {
        child_.pidfd.signal(SIGKILL);
        child_.pidfd.wait_ended(posix::Deadline::never());
        static_cast<void>(child_.pidfd.reap());
        throw;
    }
}

std::optional<std::string> ProgramRun::complaint() const {
    const auto status = child_.pidfd.reap();
    if (status && !status->signalled && status->value == 0) {
        return std::nullopt;
    }
    ::lseek(said_.get(), 0, SEEK_SET);
    return posix::read_all(said_.get(), longest_complaint, "standard error");
}

void run_program(std::vector<std::string> words, int output, posix::Deadline deadline) {
    const std::string name = words.at(0);
    const auto program = find_program(name);
    if (!program) {
        throw api::Error(api::ErrorCode::unsupported, "there is no " + name + " on this host");
    }
    std::vector<std::string> environment;
    for (char** variable = environ; *variable != nullptr; ++variable) {
        environment.emplace_back(*variable);
    }
    std::optional<std::string> complaint;
    try {
        const ProgramRun run(*program, std::move(words), std::move(environment), output);
        run.wait(deadline);
        complaint = run.complaint();
    } catch (const posix::TimedOut&) {
        throw api::Error(api::ErrorCode::timeout, name + " did not end in time");
    } catch (const std::system_error& error) {
        throw api::Error(api::ErrorCode::failed, "cannot run " + name)
            .because(error.code().message());
    }
    if (complaint) {
        const auto lines = split_words(*complaint, '\n');
        throw api::Error(api::ErrorCode::failed,
                         lines.empty() ? name + " failed and did not say why" : lines.back());
    }
}

} // namespace mshv::ctl
