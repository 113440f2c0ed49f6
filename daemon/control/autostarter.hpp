// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/core.hpp"
#include "daemon/control/operations.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace mshv::control {

/// Starts, once a boot of the host, what is marked for it and what the host's shutdown saved: in
/// order, with delays, after other partitions, mounts and bridges. A partition that cannot be
/// started is an event, and the others go on. Which ones are done is recorded one by one, so that a
/// daemon that is killed in the middle goes on where it was.
class Autostarter {
public:
    Autostarter(Core& core, Operations& operations) : core_(core), operations_(operations) {}

    /// What is marked at this instant is this boot's; what is marked later waits for the next.
    void start();
    void stop() MSHV_EXCLUDES(mutex_);
    /// Something changed in the directory.
    void nudge() MSHV_EXCLUDES(mutex_);

private:
    struct Candidate {
        api::Uuid uuid{};
        std::string name;
        api::Autostart policy;
        std::int64_t waits_since = 0; ///< boot clock: when its turn came first
    };

    using Entries = std::vector<Directory::EntryPtr>;
    void run(const Entries& marked) noexcept;
    void work_through(std::vector<Candidate> pending);
    std::vector<Candidate> candidates(const Entries& marked);
    /// Empty = it can be started now; else what is still missing.
    std::optional<std::string> missing(const Candidate& candidate);
    [[nodiscard]] bool timed_out(const Candidate& candidate) const;
    void start_one(const Candidate& candidate);
    void fail(const Candidate& candidate, const std::string& why);
    /// Waits until about `until_boot_ms` or a change; false at stop.
    bool pause_until(std::int64_t until_boot_ms, bool also_on_change) MSHV_EXCLUDES(mutex_);
    [[nodiscard]] bool stopped() MSHV_EXCLUDES(mutex_);

    Core& core_;
    Operations& operations_;
    posix::Mutex mutex_;
    posix::Condition condition_;
    bool stopped_ MSHV_GUARDED_BY(mutex_) = false;
    bool nudged_ MSHV_GUARDED_BY(mutex_) = false;
    std::jthread thread_;
};

/// Is `path` a mount point, by the text of a mountinfo file?
bool is_mounted(std::string_view mountinfo, std::string_view path);

} // namespace mshv::control
