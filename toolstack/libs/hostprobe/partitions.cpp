// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/hostprobe/partitions.hpp"

#include "toolstack/libs/hostprobe/text.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <dirent.h>
#include <fcntl.h>
#include <initializer_list>
#include <memory>
#include <span>
#include <sys/stat.h>
#include <system_error>

namespace mshv::hostprobe {
namespace {

constexpr const char* folder = "/sys/kernel/debug/mshv";
// A line is some sixty bytes: far more partitions than a hypervisor can have.
constexpr std::size_t most_text = 4UL * 1024 * 1024;

/// The word before the next blank; `text` loses both.
std::string_view take_word(std::string_view& text) {
    const auto begin = std::min(text.find_first_not_of(" \t"), text.size());
    const auto end = std::min(text.find_first_of(" \t", begin), text.size());
    const auto word = text.substr(begin, end - begin);
    text.remove_prefix(end);
    return word;
}

/// Only a regular file, as debugfs has them, and without waiting for whatever else stands there.
std::string read_regular(const std::string& path) {
    const posix::Fd fd = posix::open_file(path, O_RDONLY | O_NONBLOCK);
    struct stat info {};
    posix::check(::fstat(fd.get(), &info), "look at " + path);
    if (!S_ISREG(info.st_mode)) {
        throw std::system_error(EINVAL, std::generic_category(), path + " is no file");
    }
    return posix::read_all(fd.get(), most_text, path);
}

/// Names of `path`'s entries that are numbers; empty without such a folder.
std::vector<std::int64_t> numbered_entries(const std::string& path) {
    std::vector<std::int64_t> numbers;
    const std::unique_ptr<DIR, int (*)(DIR*)> list(::opendir(path.c_str()), ::closedir);
    while (list) {
        const dirent* entry = ::readdir(list.get()); // NOLINT(concurrency-mt-unsafe): own DIR
        if (entry == nullptr) {
            break;
        }
        if (const auto number = number_of(entry->d_name)) {
            numbers.push_back(*number);
        }
    }
    std::sort(numbers.begin(), numbers.end());
    return numbers;
}

/// The counter on its line "NAME : VALUE".
std::optional<std::int64_t> counter(std::string_view text, std::string_view name) {
    while (!text.empty()) {
        auto line = take_line(text);
        if (take_word(line) == name && take_word(line) == ":") {
            return number_of(take_word(line));
        }
    }
    return std::nullopt;
}

/// Linux 7.2: a folder for each partition, the root's among them.
std::vector<HypervisorPartition> read_folders(const std::string& path) {
    auto ids = numbered_entries(path);
    if (!ids.empty()) {
        ids.erase(ids.begin()); // ids are given in order, and the root was there first
    }
    std::vector<HypervisorPartition> partitions;
    for (const auto id : ids) {
        const std::string of_one = path + "/" + std::to_string(id);
        HypervisorPartition partition;
        partition.id = static_cast<std::uint64_t>(id);
        partition.vps = static_cast<std::int64_t>(numbered_entries(of_one + "/vp").size());
        try {
            partition.deposited_pages =
                counter(read_regular(of_one + "/stats"), "PtDepositedPages");
        } catch (const std::system_error&) {
            partition.deposited_pages.reset(); // it ended meanwhile
        }
        partitions.push_back(partition);
    }
    return partitions;
}

/// A table of the series: a line of names, then rows of numbers, "-" for one that is not known.
class NumberTable {
public:
    explicit NumberTable(std::string_view text) : rest_(text) {
        auto names = take_line(rest_);
        for (auto name = take_word(names); !name.empty(); name = take_word(names)) {
            names_.push_back(name);
        }
    }

    [[nodiscard]] bool starts_with(std::span<const std::string_view> names) const {
        return names_.size() >= names.size() &&
               std::equal(names.begin(), names.end(), names_.begin());
    }

    /// To the next row; false at the end.
    bool next() {
        if (rest_.empty()) {
            return false;
        }
        row_.clear();
        auto line = take_line(rest_);
        for (std::size_t n = 0; n < names_.size(); ++n) {
            row_.push_back(number_of(take_word(line)));
        }
        return true;
    }

    /// Empty also where there is no such column.
    [[nodiscard]] std::optional<std::int64_t> operator[](std::string_view name) const {
        const auto found = std::find(names_.begin(), names_.end(), name);
        return found == names_.end() ? std::nullopt
                                     : row_[static_cast<std::size_t>(found - names_.begin())];
    }

private:
    std::string_view rest_;
    std::vector<std::string_view> names_;
    std::vector<std::optional<std::int64_t>> row_;
};

/// The sum of those that are known and fit; empty when none is.
std::optional<std::int64_t> sum_of(const NumberTable& table,
                                   std::initializer_list<std::string_view> names) {
    std::optional<std::int64_t> sum;
    for (const auto name : names) {
        std::int64_t next = 0;
        const auto number = table[name];
        if (number && !__builtin_add_overflow(sum.value_or(0), *number, &next)) {
            sum = next;
        }
    }
    return sum;
}

} // namespace

std::optional<std::vector<HypervisorPartition>> parse_partitions(std::string_view text) {
    constexpr std::array<std::string_view, 7> head{
        "id", "process", "initialized", "processors", "guest_pages", "deposited", "withdrawn"};
    NumberTable table(text);
    if (!table.starts_with(head)) {
        return std::nullopt;
    }
    std::vector<HypervisorPartition> partitions;
    while (table.next()) {
        const auto id = table["id"];
        const auto process = table["process"];
        if (!id || *id == 0 || !process) {
            continue;
        }
        HypervisorPartition partition;
        partition.id = static_cast<std::uint64_t>(*id);
        partition.process = *process;
        partition.vps = table["processors"];
        partition.guest_pages = table["guest_pages"];
        partition.deposited_pages = table["deposited"];
        partition.withdrawn_pages = table["withdrawn"];
        partition.held_pages = table["held"];
        partitions.push_back(std::move(partition));
    }
    std::sort(partitions.begin(), partitions.end(),
              [](const auto& a, const auto& b) { return a.id < b.id; });
    return partitions;
}

void parse_processors(std::string_view text, std::vector<HypervisorPartition>& partitions) {
    NumberTable table(text);
    while (table.next()) {
        const auto id = table["partition"];
        const auto index = table["processor"];
        if (!id || !index) {
            continue;
        }
        const auto wanted = static_cast<std::uint64_t>(*id);
        const auto owner =
            std::lower_bound(partitions.begin(), partitions.end(), wanted,
                             [](const auto& each, std::uint64_t value) { return each.id < value; });
        if (owner == partitions.end() || owner->id != wanted) {
            continue; // it began or ended between the two files
        }
        owner->processors.push_back(
            {*index, table["run_ns"], table["hypervisor_ns"], table["dispatched_ns"],
             table["waiting_ns"], table["blocked_ns"],
             sum_of(table, {"memory", "ports", "msrs", "cpuids", "exceptions", "eois", "others"})});
    }
    for (auto& partition : partitions) {
        std::sort(partition.processors.begin(), partition.processors.end(),
                  [](const auto& a, const auto& b) { return a.index < b.index; });
    }
}

namespace {

/// A kernel that lists partitions need not count, nor let this process see it.
void add_processors(const std::string& path, std::vector<HypervisorPartition>& partitions) {
    try {
        parse_processors(read_regular(path), partitions);
    } catch (const std::system_error&) {
        return;
    }
}

} // namespace

HypervisorPartitions read_partitions(const std::string& root) {
    HypervisorPartitions found;
    try {
        std::string text = read_regular(root + "/sys/hypervisor/properties/partition_id");
        text.resize(std::min(text.find('\n'), text.size()));
        found.root_id = number_of(text);
    } catch (const std::system_error&) {
        found.root_id.reset(); // it may not know its own
    }
    const std::string base = root + folder;
    try {
        if (auto partitions = parse_partitions(read_regular(base + "/partitions"))) {
            found.partitions = std::move(*partitions);
            found.known = found.with_processes = true;
            add_processors(base + "/processors", found.partitions);
        } else {
            found.why = base + "/partitions is not understood";
        }
        return found;
    } catch (const std::system_error& error) {
        found.why = error.code() == std::errc::no_such_file_or_directory
                        ? base + " does not exist"
                        : std::string(error.what());
    }
    struct stat info {};
    if (::stat((base + "/partition").c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
        found.partitions = read_folders(base + "/partition");
        found.known = true;
        found.why.clear();
    }
    return found;
}

} // namespace mshv::hostprobe
