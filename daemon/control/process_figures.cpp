// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/process_figures.hpp"

#include "toolstack/libs/posix/file.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <unistd.h>

namespace mshv::control {
namespace {

/// The number behind `word` at the beginning of a line.
std::optional<std::int64_t> number_behind(std::string_view text, std::string_view word) {
    for (std::size_t at = 0; at < text.size();) {
        const std::string_view line = text.substr(at, text.find('\n', at) - at);
        if (line.starts_with(word)) {
            const auto digit = line.find_first_not_of(" \t", word.size());
            std::int64_t number = 0;
            if (digit != std::string_view::npos &&
                std::from_chars(line.data() + digit, line.data() + line.size(), number).ec ==
                    std::errc{}) {
                return number;
            }
            return std::nullopt;
        }
        at += line.size() + 1;
    }
    return std::nullopt;
}

std::int64_t counter_in(const std::filesystem::path& file) {
    return number_behind(posix::read_file(file, 64), "").value_or(0);
}

} // namespace

std::optional<Sample> parse_stat(const std::string& stat, const posix::ProcessIdentity& identity) {
    // The second field, the name in parentheses, may hold anything: count from its end.
    const auto name_end = stat.rfind(") ");
    if (name_end == std::string::npos) {
        return std::nullopt;
    }
    std::vector<std::uint64_t> fields; // from field 4 on; field 3 is a letter
    std::string_view rest = std::string_view(stat).substr(name_end + 4);
    while (!rest.empty() && fields.size() < 21) {
        const auto space = rest.find_first_of(" \n");
        const std::string_view word = rest.substr(0, space);
        std::uint64_t value = 0;
        std::from_chars(word.data(), word.data() + word.size(), value); // -1 stays 0: not used
        if (!word.empty()) {
            fields.push_back(value);
        }
        rest = space == std::string_view::npos ? "" : rest.substr(space + 1);
    }
    if (fields.size() < 21 || fields[18] != identity.start_ticks) {
        return std::nullopt;
    }
    const auto ticks = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
    const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    Sample sample;
    sample.cpu_time_ms = static_cast<std::int64_t>((fields[10] + fields[11]) * 1000 / ticks);
    sample.rss = static_cast<std::int64_t>(fields[20] * page);
    return sample;
}

std::optional<std::int64_t> waiting_of(const std::string& proc, std::int64_t pid) {
    const std::string folder = proc + '/' + std::to_string(pid) + "/task";
    std::error_code gone; // threads come and go
    std::optional<std::int64_t> nanoseconds;
    for (const auto& thread : std::filesystem::directory_iterator(folder, gone)) {
        try {
            // "RUN WAITED SLICES", in nanoseconds; no such file where the kernel does not count.
            const std::string text = posix::read_file(thread.path() / "schedstat", 256);
            const auto blank = text.find(' ');
            std::int64_t waited = 0;
            if (blank != std::string::npos &&
                std::from_chars(&text[blank + 1], text.data() + text.size(), waited).ec ==
                    std::errc{}) {
                nanoseconds = nanoseconds.value_or(0) + waited;
            }
        } catch (const std::system_error&) {
            continue;
        }
    }
    return nanoseconds ? std::optional(*nanoseconds / 1'000'000) : std::nullopt;
}

std::optional<Traffic> parse_io(const std::string& io) {
    const auto in = number_behind(io, "read_bytes:");
    const auto out = number_behind(io, "write_bytes:");
    return in && out ? std::optional(Traffic{*in, *out}) : std::nullopt;
}

std::optional<Traffic> storage_of(const std::string& proc, std::int64_t pid) {
    try {
        return parse_io(posix::read_file(proc + '/' + std::to_string(pid) + "/io", 4096));
    } catch (const std::system_error&) {
        return std::nullopt;
    }
}

std::vector<std::string> taps_of(const std::string& proc, std::int64_t pid) {
    std::vector<std::string> names;
    std::error_code gone;
    const std::string folder = proc + '/' + std::to_string(pid) + "/fdinfo";
    for (const auto& descriptor : std::filesystem::directory_iterator(folder, gone)) {
        try {
            const std::string text = posix::read_file(descriptor.path(), 4096);
            constexpr std::string_view word = "\niff:\t";
            const auto at = text.find(word);
            if (at == std::string::npos) {
                continue;
            }
            std::string name = text.substr(at + word.size());
            name.resize(std::min(name.find('\n'), name.size()));
            // Of several queues each has a descriptor; a name is a component of a path below.
            if (!name.empty() && name.find('/') == std::string::npos &&
                std::find(names.begin(), names.end(), name) == names.end()) {
                names.push_back(std::move(name));
            }
        } catch (const std::system_error&) {
            continue; // closed meanwhile, or one that tells more than a tap does
        }
    }
    return names;
}

std::optional<Traffic> traffic_of(const std::string& interfaces,
                                  const std::vector<std::string>& taps) {
    std::optional<Traffic> sum;
    for (const auto& name : taps) {
        try {
            const auto folder = std::filesystem::path(interfaces) / name / "statistics";
            // What the host sends into a tap is what the guest receives.
            const Traffic one{counter_in(folder / "tx_bytes"), counter_in(folder / "rx_bytes")};
            sum =
                Traffic{sum.value_or(Traffic{}).in + one.in, sum.value_or(Traffic{}).out + one.out};
        } catch (const std::system_error&) {
            continue; // it went with its guest
        }
    }
    return sum;
}

} // namespace mshv::control
