// SPDX-License-Identifier: Apache-2.0
#include "daemon/control/job_process.hpp"

namespace mshv::control {
namespace {

using api::Error;
using api::ErrorCode;

constexpr std::chrono::seconds adopt_time{60};

} // namespace

bool JobProcess::runs(const store::JobRow& job) const {
    const auto entry = core_.directory.find(job.uuid);
    return entry && entry->row.runtime && entry->row.runtime->incarnation == job.incarnation;
}

std::shared_ptr<vmm::VmmProcess> JobProcess::find(const store::JobRow& job) const {
    const LivePtr live = core_.lives.find(job.uuid);
    return live && live->incarnation == job.incarnation && runs(job) ? live->get_process()
                                                                     : nullptr;
}

std::shared_ptr<vmm::VmmProcess> JobProcess::must(const store::JobRow& job,
                                                  std::string_view doing) const {
    auto found = find(job);
    if (!found) {
        throw Error(ErrorCode::wrong_state,
                    "'" + job.name + "' ended while it was being " + std::string(doing));
    }
    return found;
}

std::shared_ptr<vmm::VmmProcess> JobProcess::await(const store::JobRow& job) {
    const Deadline deadline = Deadline::after(adopt_time);
    while (runs(job) && !find(job)) {
        if (deadline.expired()) {
            throw Error(ErrorCode::timeout, "The VMM of '" + job.name + "' does not answer");
        }
        line_.look_after(look_interval);
    }
    return find(job);
}

} // namespace mshv::control
