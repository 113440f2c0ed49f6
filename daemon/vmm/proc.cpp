// SPDX-License-Identifier: Apache-2.0
#include "daemon/vmm/proc.hpp"

#include "toolstack/libs/posix/file.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace mshv::vmm {
namespace {

std::string read_or_empty(const std::string& path) {
    try {
        return posix::read_file(path, 64UL * 1024);
    } catch (const std::system_error&) {
        return {};
    }
}

/// The value of a line "KEY:\tVALUE".
std::string status_value(const std::string& status, std::string_view key) {
    const auto start = status.find("\n" + std::string(key) + ":");
    if (start == std::string::npos) {
        return {};
    }
    const auto value = status.find_first_not_of(": \t", start + 1 + key.size());
    return status.substr(value, status.find('\n', value) - value);
}

/// Fields of /proc/…/stat from field 3 (state) on: the name before them may hold anything.
std::vector<std::string> stat_fields(const std::string& stat) {
    std::vector<std::string> fields;
    const auto paren = stat.rfind(')');
    if (paren == std::string::npos) {
        return fields;
    }
    std::string_view rest = std::string_view(stat).substr(paren + 1);
    while (!rest.empty()) {
        const auto start = rest.find_first_not_of(" \n");
        if (start == std::string_view::npos) {
            break;
        }
        const auto end = std::min(rest.find_first_of(" \n", start), rest.size());
        fields.emplace_back(rest.substr(start, end - start));
        rest.remove_prefix(end);
    }
    return fields;
}

std::int64_t to_number(const std::string& text) {
    std::int64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

} // namespace

std::optional<ThreadSample> sample_thread(pid_t pid, std::int64_t thread) {
    const std::string folder =
        "/proc/" + std::to_string(pid) + "/task/" + std::to_string(thread) + "/";
    const auto fields = stat_fields(read_or_empty(folder + "stat"));
    constexpr std::size_t utime = 14 - 3;
    constexpr std::size_t processor = 39 - 3;
    if (fields.size() <= processor) {
        return std::nullopt;
    }
    ThreadSample sample;
    sample.state = fields[0].front();
    // schedstat counts nanoseconds where the kernel has it; stat's ticks are ten milliseconds.
    const std::string schedstat = read_or_empty(folder + "schedstat");
    sample.cpu_time_ms = !schedstat.empty()
                             ? to_number(schedstat) / 1'000'000
                             : (to_number(fields[utime]) + to_number(fields[utime + 1])) * 1000 /
                                   ::sysconf(_SC_CLK_TCK);
    if (const auto blank = schedstat.find(' '); blank != std::string::npos) {
        sample.waiting_ms = to_number(schedstat.substr(blank + 1)) / 1'000'000;
    }
    sample.last_cpu = static_cast<int>(to_number(fields[processor]));
    const std::string status = read_or_empty(folder + "status");
    sample.affinity = status_value(status, "Cpus_allowed_list");
    const long cpus = ::sysconf(_SC_NPROCESSORS_CONF);
    if (sample.affinity == "0-" + std::to_string(cpus - 1) ||
        (cpus == 1 && sample.affinity == "0")) {
        sample.affinity = "all";
    }
    return sample;
}

std::string describe_stuck(pid_t pid) {
    const std::string folder = "/proc/" + std::to_string(pid) + "/";
    const auto fields = stat_fields(read_or_empty(folder + "stat"));
    std::string channel = read_or_empty(folder + "wchan");
    if (channel.empty() || channel == "0") {
        channel = "unknown";
    }
    std::string text = "pid " + std::to_string(pid) + " in state " +
                       (fields.empty() ? "?" : fields[0]) + ", waiting in " + channel;
    const std::string stack = read_or_empty(folder + "stack");
    if (const auto bracket = stack.find("] "); bracket != std::string::npos) {
        text += " (" + stack.substr(bracket + 2, stack.find('\n', bracket) - bracket - 2) + ")";
    }
    return text;
}

} // namespace mshv::vmm
