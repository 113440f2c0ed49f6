// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/posix/fd.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace mshv::cgroup {

/// What holds the threads of a group.
struct Settings {
    unsigned weight = 100;      ///< 1 to 10000
    std::uint64_t quota_us = 0; ///< of each period; 0 = no cap
    unsigned period_us = 100'000;
    std::string cpus; ///< "0-3,7"; empty = every processor
    bool operator==(const Settings&) const = default;
};

/// How often a cap has held a group back.
struct Throttling {
    std::uint64_t periods = 0, throttled = 0, throttled_us = 0;
};

struct Options {
    /// Where the groups are made; empty = the cgroup of mshv-partitions.service, where that runs.
    std::string parent;
    std::string root = "/sys/fs/cgroup";
    /// For tests, whose folders do not come and go with their files as those of a cgroupfs do.
    std::function<void(const std::string& folder)> made, going;
};

/// The groups of this host's partitions. Thread-safe: each call is a few system calls that wait for
/// nothing. Throws std::system_error that names the file.
class Groups {
public:
    /// Of a host that has none.
    explicit Groups(std::string why_not) : why_not_(std::move(why_not)) {}
    /// Makes the folder ready: those in it into a leaf, the controllers on. Does not throw: see
    /// why_not().
    explicit Groups(Options options);

    /// Why there are no groups; empty = there are.
    [[nodiscard]] const std::string& why_not() const { return why_not_; }
    [[nodiscard]] bool available() const { return why_not_.empty(); }
    [[nodiscard]] const std::string& parent() const { return options_.parent; }

    /// Makes the group, or gives one that is there these settings.
    void make(const std::string& name, const Settings& settings) const;
    /// Empty when there is no such group.
    [[nodiscard]] std::optional<Settings> read(const std::string& name) const;
    /// What a child writes "0" to before it is executed, to begin in the group.
    [[nodiscard]] posix::Fd entrance(const std::string& name) const;
    /// Moves a process with all its threads. One that has ended is no error.
    void move_in(const std::string& name, pid_t process) const;
    [[nodiscard]] bool holds(const std::string& name, pid_t process) const;
    /// False while somebody is in it. True also when there is none.
    bool remove(const std::string& name) const;
    [[nodiscard]] std::vector<std::string> names() const;
    [[nodiscard]] std::optional<Throttling> throttling(const std::string& name) const;

private:
    [[nodiscard]] std::string file(const std::string& name, const char* what) const;
    [[nodiscard]] std::string every_cpu() const;
    void prepare();

    Options options_;
    std::string why_not_;
};

} // namespace mshv::cgroup
