// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/job.hpp"
#include "toolstack/libs/api/requests.hpp"
#include "toolstack/mshvctl/context.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <future>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mshv::ctl {

/// What is to become of one partition, and what became of it.
struct HostShutdownItem {
    api::Uuid uuid{};
    std::string name;
    std::size_t group = 0; ///< those of one go down side by side; 0 first
    api::HostShutdown policy;
    api::Escalate escalate = api::Escalate::none; ///< after the policy's time

    enum class Phase {
        begin,      ///< nothing has been asked yet
        save,       ///< to be saved, and the daemon has been asked perhaps
        saving,     ///< a job is at it
        cancelling, ///< the job took too long
        ask,        ///< to be shut down or destroyed
        asked,      ///< the daemon is at it
        finished,
    };
    Phase phase = Phase::begin;
    posix::Deadline until = posix::Deadline::never(); ///< of the save
    std::future<api::JobView> request; ///< to save; a VMM is asked first, which may hang
    std::int64_t job = 0;
    std::string detail;
    std::optional<api::HostOutcome> outcome;
    std::chrono::steady_clock::time_point since;
    std::chrono::milliseconds took{0};
};

/// The partitions that run, in the order in which they go down.
std::vector<HostShutdownItem> host_shutdown_plan(Context& context);

/// Takes them down, group by group, those of a group side by side. Nothing here waits for one of
/// them: each round looks at all, asks what is to be asked, and waits for something to happen. A
/// daemon that is started anew meanwhile is waited for.
class HostShutdown {
public:
    /// At `deadline` what is left is destroyed or left alone, as it says itself.
    HostShutdown(Context& context, std::vector<HostShutdownItem>& items, posix::Deadline deadline)
        : context_(context), items_(items), deadline_(deadline) {}
    void run();

private:
    using Item = HostShutdownItem;
    using Views = std::map<api::Uuid, api::PartitionView>;

    void run_group(std::size_t group, posix::Deadline end);
    /// One look at all of a group; true when none is left.
    bool round(std::size_t group, posix::Deadline end);
    void step(Item& item, const Views& views);
    void begin(Item& item);
    void save(Item& item);
    void look_at_job(Item& item);
    void ask(Item& item, const Views& views);
    void look_at_end(Item& item, const Views& views);
    void finish(Item& item, api::HostOutcome outcome, const std::string& detail = {});
    void give_up(std::size_t group, const std::string& why);
    [[nodiscard]] std::chrono::seconds left(std::chrono::seconds most) const;

    Context& context_;
    std::vector<Item>& items_;
    posix::Deadline deadline_;
};

} // namespace mshv::ctl
