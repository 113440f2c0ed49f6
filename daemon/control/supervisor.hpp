// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/core.hpp"

#include <vector>

namespace mshv::control {

/// Applies what keepers report: state, event and history in one transaction, then the keeper hears
/// that it is safe. One thread at a time works on one partition, others go on beside it.
class Supervisor {
public:
    explicit Supervisor(Core& core) : core_(core) {}

    /// The VmmHost's event sink: queues, and returns at once.
    void on_event(const api::Uuid& uuid, const std::string& incarnation,
                  const vmm::KeeperEvent& event);
    /// The run is in the database: its events may be applied now.
    void run_recorded(const LivePtr& live, std::shared_ptr<vmm::VmmProcess> process);
    /// The same for an adopted run, on the caller's thread, with what was missed.
    void run_adopted(const LivePtr& live, std::shared_ptr<vmm::VmmProcess> process,
                     std::vector<vmm::KeeperEvent> missed);
    /// Keeper and VMM are gone without a word: records the end, and what the restart policy says.
    /// `vmm_gone`: for certain; else nothing follows.
    void record_lost(const LivePtr& live, const std::string& detail, bool vmm_gone);
    /// The run's end is in the database: lets the keeper go, in the background.
    void let_go(const LivePtr& live);

private:
    struct Outcome {
        bool ended = false;
        bool removed = false; ///< the partition itself is gone, too
    };

    void schedule(const LivePtr& live);
    void drain(const LivePtr& live) noexcept;
    Outcome apply(const LivePtr& live, const std::vector<vmm::KeeperEvent>& events);
    void release(const LivePtr& live) noexcept;
    void keeper_lost(const LivePtr& live) noexcept;
    bool end_remains(const LivePtr& live);

    Core& core_;
};

} // namespace mshv::control
