// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/sampler.hpp"

#include "toolstack/libs/posix/file.hpp"

#include <charconv>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace mshv::control {

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

void Sampler::sample_all() noexcept {
    for (const LivePtr& live : core_.lives.all()) {
        const auto entry = core_.directory.find(live->uuid);
        if (!entry || !entry->row.runtime || entry->row.runtime->vmm.pid == 0) {
            continue;
        }
        const auto& vmm = entry->row.runtime->vmm;
        try {
            const std::string path = core_.options.proc + '/' + std::to_string(vmm.pid) + "/stat";
            auto sample = parse_stat(posix::read_file(path, 4096), vmm);
            if (sample) {
                sample->waiting_ms = waiting_of(core_.options.proc, vmm.pid);
                sample->at_boot_ms = core_.clock.boot_ms();
                posix::Lock lock(live->mutex);
                live->sample = sample;
            }
        } catch (const std::exception&) {
            continue; // it ended: its keeper says so
        }
    }
}

} // namespace mshv::control
