// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/hostprobe/kernel_log.hpp"

#include "toolstack/libs/hostprobe/text.hpp"
#include "toolstack/libs/posix/fd.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <unistd.h>

namespace mshv::hostprobe {
namespace {

// What the series, Linux 7.2 and the kernel's own support for the hypervisor begin their lines
// with. A tap of a partition's is called mshv, too, with a number.
constexpr std::array<std::string_view, 5> words{"hyper-v", "hyperv", "mshv: ", "mshv_",
                                                "hypervisor"};

/// "PRIORITY,SEQUENCE,TIME,FLAGS;TEXT"; a line that begins with a space goes on with the one before
/// and is for machines.
std::optional<KernelRecord> parse_record(std::string_view line) {
    constexpr std::int64_t of_programs = 8; // a priority with a facility
    const auto semicolon = line.find(';');
    if (semicolon == line.npos) {
        return std::nullopt;
    }
    std::string_view head = line.substr(0, semicolon);
    const auto take = [&] {
        const auto comma = std::min(head.find(','), head.size());
        const auto number = number_of(head.substr(0, comma));
        head.remove_prefix(std::min(comma + 1, head.size()));
        return number;
    };
    const auto priority = take();
    take(); // the sequence
    const auto time = take();
    if (!priority || *priority >= of_programs || !time) {
        return std::nullopt;
    }
    return KernelRecord{static_cast<unsigned>(*priority), *time,
                        std::string(line.substr(semicolon + 1))};
}

} // namespace

std::vector<KernelRecord> parse_kernel_log(std::string_view text) {
    std::vector<KernelRecord> records;
    while (!text.empty()) {
        if (auto record = parse_record(take_line(text))) {
            records.push_back(std::move(*record));
        }
    }
    return records;
}

std::vector<KernelRecord> read_kernel_log() {
    // The ring holds less; a record that does not fit into the buffer is skipped by the kernel.
    constexpr std::size_t most_log = 8UL * 1024 * 1024;
    std::string log;
    const posix::Fd fd = posix::open_file("/dev/kmsg", O_RDONLY | O_NONBLOCK);
    std::array<char, 8192> record; // NOLINT: filled by read
    while (log.size() < most_log) {
        const auto got = ::read(fd.get(), record.data(), record.size());
        if (got > 0) {
            log.append(record.data(), static_cast<std::size_t>(got));
        } else if (got == 0 || (errno != EINTR && errno != EPIPE && errno != EINVAL)) {
            break; // EPIPE: the oldest record was overwritten just now; the next follows
        }
    }
    return parse_kernel_log(log);
}

bool is_of_hypervisor(const KernelRecord& record) {
    std::string text = record.text;
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return std::any_of(words.begin(), words.end(),
                       [&](std::string_view word) { return text.find(word) != std::string::npos; });
}

std::string scheduler_of_log(const std::vector<KernelRecord>& records) {
    // The series says "mshv: hypervisor 10.0 build 27744, root scheduler", Linux 7.2
    // "misc mshv: Hypervisor using root scheduler".
    std::string found;
    for (const auto& record : records) {
        const std::string_view line = record.text;
        const auto driver = line.find("mshv: ");
        const auto end = line.find(" scheduler");
        if (driver == line.npos || end == line.npos || driver > end) {
            continue;
        }
        for (const std::string_view before : {", ", "Hypervisor using "}) {
            const auto at = line.find(before, driver);
            if (at != line.npos && at + before.size() < end) {
                found = line.substr(at + before.size(), end - at - before.size());
            }
        }
    }
    return found;
}

} // namespace mshv::hostprobe
