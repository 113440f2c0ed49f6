// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/core.hpp"
#include "daemon/control/job_process.hpp"

#include <string>

namespace mshv::control {

/// Writes the memory of one partition to a file, whose operation lock the caller holds. The VMM
/// stops the guest, writes by itself, and lets it go on if it ran: with or without a daemon. It
/// cannot be told to end, so a dump that has begun is not cancelled. The file has its name when it
/// is whole, and until then one with the job's token, which nobody else's has.
class Dumper {
public:
    Dumper(Core& core, JobLine& line) : core_(core), line_(line), process_(core, line) {}

    /// What is known before anything is done: refuses what cannot be, early.
    static void prepare(Core& core, const store::PartitionRow& row,
                        const api::DumpRequest& request);

    /// From the beginning to an end, which is in `job` and durable when it returns. Throws
    /// JobLine::Detached.
    void run(store::JobRow& job, api::DumpFormat format);
    /// What an earlier daemon had begun.
    void go_on(store::JobRow& job);

private:
    template <typename Steps>
    void to_its_end(store::JobRow& job, Steps steps);
    void watch(const store::JobRow& job);
    void keep(store::JobRow& job);
    void await_running(const store::JobRow& job);

    Core& core_;
    JobLine& line_;
    JobProcess process_;
};

} // namespace mshv::control
