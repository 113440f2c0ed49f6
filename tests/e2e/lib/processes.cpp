// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/lib/processes.hpp"

#include "toolstack/libs/posix/fd.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <charconv>
#include <filesystem>
#include <optional>
#include <sstream>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace mshv::e2e {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t file_limit = 1 << 20;

std::optional<Process> read_process(pid_t pid) {
    try {
        const auto stat = posix::read_file("/proc/" + std::to_string(pid) + "/stat", file_limit);
        // The name stands in parentheses and may hold anything, also parentheses.
        const auto open = stat.find('(');
        const auto close = stat.rfind(')');
        Process process;
        process.pid = pid;
        process.name = stat.substr(open + 1, close - open - 1);
        std::istringstream rest(stat.substr(close + 2));
        rest >> process.state >> process.parent;
        return process;
    } catch (const std::system_error&) {
        return std::nullopt; // ended meanwhile
    }
}

std::map<pid_t, Process> all_processes() {
    std::map<pid_t, Process> result;
    for (const auto& entry : fs::directory_iterator("/proc")) {
        const auto name = entry.path().filename().string();
        pid_t pid = 0;
        const auto* end = name.data() + name.size();
        if (std::from_chars(name.data(), end, pid).ptr == end) {
            if (auto process = read_process(pid)) {
                result.emplace(pid, std::move(*process));
            }
        }
    }
    return result;
}

} // namespace

void adopt_orphans() {
    posix::check(::prctl(PR_SET_CHILD_SUBREAPER, 1), "become a subreaper");
}

std::map<pid_t, Process> descendants(const std::set<pid_t>& keep) {
    const auto self = ::getpid();
    auto all = all_processes();
    std::map<pid_t, Process> result;
    for (auto& [pid, process] : all) {
        if (process.state == 'Z') {
            if (process.parent == self && !keep.contains(pid)) {
                ::waitpid(pid, nullptr, WNOHANG);
            }
            continue;
        }
        pid_t ancestor = process.parent;
        while (ancestor > 1 && ancestor != self) {
            const auto found = all.find(ancestor);
            ancestor = found == all.end() ? 0 : found->second.parent;
        }
        if (ancestor == self && pid != self) {
            process.argv = argv_of(pid);
            result.emplace(pid, process);
        }
    }
    return result;
}

std::vector<std::string> argv_of(pid_t pid) {
    std::vector<std::string> argv;
    try {
        std::istringstream text(
            posix::read_file("/proc/" + std::to_string(pid) + "/cmdline", file_limit));
        for (std::string word; std::getline(text, word, '\0');) {
            argv.push_back(word);
        }
    } catch (const std::system_error&) {
        argv.clear(); // ended meanwhile
    }
    return argv;
}

std::size_t count_entries(pid_t pid, const char* folder) {
    std::error_code error;
    std::size_t count = 0;
    for (fs::directory_iterator at("/proc/" + std::to_string(pid) + "/" + folder, error), end;
         !error && at != end; at.increment(error)) {
        ++count;
    }
    return count;
}

} // namespace mshv::e2e
