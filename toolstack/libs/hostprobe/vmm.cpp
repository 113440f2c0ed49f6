// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/hostprobe/hostprobe.hpp"
#include "toolstack/libs/posix/command.hpp"
#include "toolstack/libs/posix/fd.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>

namespace mshv::hostprobe {
namespace {

constexpr std::size_t most_output = 65536;

/// What `program argument…` prints. It is killed at the deadline and when it prints too much.
std::string output_of(const std::string& program, std::vector<std::string> arguments,
                      posix::Deadline deadline) {
    std::array<int, 2> ends{};
    posix::check(::pipe2(ends.data(), O_CLOEXEC), "create pipe");
    const posix::Fd out{ends[0]};
    posix::Fd in{ends[1]};
    posix::Command command;
    command.program = program;
    command.argv = {program};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    command.env = {"LC_ALL=C"};
    command.fds = {{in.get(), 1}, {in.get(), 2}};
    command.new_session = true;
    posix::Child child = posix::spawn(command);
    in.reset();
    std::string text;
    std::exception_ptr failure;
    try {
        std::array<char, 4096> buffer; // NOLINT: filled by read
        while (text.size() < most_output) {
            const auto got = posix::read_some(out.get(), buffer, deadline, "output of the VMM");
            if (got == 0) {
                break;
            }
            text.append(buffer.data(), got);
        }
    } catch (const std::exception&) {
        failure = std::current_exception();
    }
    child.pidfd.signal(SIGKILL); // it has closed its output, or never will
    child.pidfd.wait_ended(posix::Deadline::after(std::chrono::seconds(2)));
    (void)child.pidfd.reap();
    if (failure) {
        std::rethrow_exception(failure);
    }
    return text;
}

} // namespace

std::optional<VmmVersion> parse_vmm_version(std::string_view text) {
    constexpr std::string_view before = "QEMU emulator version ";
    const auto at = text.find(before);
    if (at == std::string_view::npos) {
        return std::nullopt;
    }
    text.remove_prefix(at + before.size());
    VmmVersion version;
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    const auto major = std::from_chars(begin, end, version.major);
    if (major.ec != std::errc{} || major.ptr == end || *major.ptr != '.' ||
        std::from_chars(major.ptr + 1, end, version.minor).ec != std::errc{}) {
        return std::nullopt;
    }
    version.text = text.substr(0, text.find_first_of(" \r\n"));
    return version;
}

std::vector<std::string> parse_accelerators(std::string_view text) {
    // A headline that ends with a colon, then one name a line.
    std::vector<std::string> names;
    while (!text.empty()) {
        const auto end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text = end == std::string_view::npos ? "" : text.substr(end + 1);
        while (line.ends_with('\r') || line.ends_with(' ')) {
            line.remove_suffix(1);
        }
        if (!line.empty() && line.find_first_of(": ") == std::string_view::npos) {
            names.emplace_back(line);
        }
    }
    std::sort(names.begin(), names.end());
    return names;
}

VmmFacts probe_vmm(const std::vector<std::string>& candidates, posix::Deadline deadline) {
    VmmFacts facts;
    for (const auto& path : candidates) {
        if (::access(path.c_str(), X_OK) == 0) {
            facts.path = path;
            break;
        }
    }
    if (facts.path.empty()) {
        facts.why = "QEMU is not installed: there is no";
        for (const auto& path : candidates) {
            facts.why += (path == candidates.front() ? " " : ", ") + path;
        }
        return facts;
    }
    try {
        facts.version = parse_vmm_version(output_of(facts.path, {"--version"}, deadline));
        if (!facts.version) {
            facts.why = facts.path + " does not say that it is QEMU";
            return facts;
        }
        facts.accelerators =
            parse_accelerators(output_of(facts.path, {"-accel", "help"}, deadline));
    } catch (const std::exception& error) {
        facts.why = facts.path + " does not answer: " + error.what();
    }
    return facts;
}

} // namespace mshv::hostprobe
