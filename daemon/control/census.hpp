// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/periodic.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/view.hpp"
#include "toolstack/libs/hostprobe/partitions.hpp"
#include "toolstack/libs/posix/mutex.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace mshv::control {

class Core;

/// What the hypervisor had when it was last looked at, beside what the database says of it.
struct CensusResult {
    bool known = false;
    std::int64_t at_boot_ms = 0;
    std::string why; ///< why not
    bool with_processes = false;
    std::size_t total = 0;
    std::optional<std::uint64_t> root_id;
    std::map<std::int64_t, api::HypervisorView> by_process;
    /// By process and index of the processor; none where the kernel does not count.
    std::map<std::pair<std::int64_t, std::int64_t>, api::HypervisorVpView> processors;
    std::vector<api::UnmanagedPartition> unmanaged;
};

/// The last result, for whoever asks: nobody waits for the kernel.
class CensusRecord {
public:
    [[nodiscard]] std::shared_ptr<const CensusResult> get() const {
        posix::Lock lock(mutex_);
        return last_;
    }
    void set(CensusResult result) {
        auto next = std::make_shared<const CensusResult>(std::move(result));
        posix::Lock lock(mutex_);
        last_.swap(next);
    }

private:
    mutable posix::Mutex mutex_;
    std::shared_ptr<const CensusResult>
        last_ MSHV_GUARDED_BY(mutex_) = std::make_shared<const CensusResult>();
};

/// "2, 1 of them not managed here", or why that is not known.
std::string summary(const CensusResult& census);

/// Why `selector` is no target: it names what is not ours, or the root. Empty for any other.
std::optional<api::Error> refusal(const CensusResult& census, const api::Selector& selector);

/// The partition whose keeper started process `pid`, by the keeper's command line; empty for a
/// process that no keeper started.
std::optional<api::Uuid> started_for(const std::string& proc, std::int64_t pid);

/// Compares what the hypervisor has with the directory now and then, on a thread of its own.
class Census {
public:
    explicit Census(Core& core);

    void start() { thread_.start(); }
    void stop() { thread_.stop(); }

private:
    void look() noexcept;
    void look_for_strangers(const hostprobe::HypervisorPartitions& found, CensusResult& result);
    void look_for_missing(const CensusResult& result);
    [[nodiscard]] bool is_ours(std::int64_t process) const;

    using Stranger = std::pair<std::uint64_t, std::int64_t>;

    Core& core_;
    /// Strangers of the last look, by number and process. One is a stranger at the second look: a
    /// partition may outlive its process for a moment, and be there before its start is recorded.
    std::set<Stranger> strangers_, named_;
    /// Processes of our VMMs that the hypervisor lists no partition of, likewise.
    std::set<std::int64_t> missing_, told_;
    Periodic thread_;
};

} // namespace mshv::control
