// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/core.hpp"
#include "daemon/control/job_line.hpp"

#include <chrono>
#include <memory>

namespace mshv::control {

/// How long a job leaves a VMM alone before it asks again how far it is.
inline constexpr std::chrono::milliseconds look_interval{50};

/// The VMM of the run that a job is about, and of no later one.
class JobProcess {
public:
    JobProcess(Core& core, JobLine& line) : core_(core), line_(line) {}

    [[nodiscard]] bool runs(const store::JobRow& job) const;
    /// Null when it has ended.
    [[nodiscard]] std::shared_ptr<vmm::VmmProcess> find(const store::JobRow& job) const;
    /// Throws wrong_state when it has ended; `doing` is what was being done to it.
    [[nodiscard]] std::shared_ptr<vmm::VmmProcess> must(const store::JobRow& job,
                                                        std::string_view doing) const;
    /// After a start of the daemon its partitions are adopted one by one, and some only at a second
    /// try. Null when it has ended; throws timeout, and what JobLine throws.
    std::shared_ptr<vmm::VmmProcess> await(const store::JobRow& job);

private:
    Core& core_;
    JobLine& line_;
};

} // namespace mshv::control
