// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/identity.hpp"
#include "toolstack/libs/api/machine_requests.hpp"
#include "toolstack/libs/api/view.hpp"
#include "toolstack/libs/posix/deadline.hpp"

namespace mshv::control {

struct Actor;

/// The use cases that change the machine which a guest runs on. Thread-safe. They take the
/// partition's operation lock, as those of PartitionService do.
class MachineService {
public:
    virtual ~MachineService() = default;

    /// How many virtual processors there are, or there can be. Throws timeout when the guest has
    /// not let go of one; it goes when the guest does.
    virtual api::PartitionView set_vcpus(const api::Selector& selector,
                                         const api::SetVcpusRequest& request, const Actor& actor,
                                         posix::Deadline wait_busy) = 0;
    /// The guest sleeps in RAM (ACPI S3), by its agent. Throws timeout when it does not yet; it may
    /// later, which is an event. Idempotent.
    virtual api::PartitionView suspend(const api::Selector& selector,
                                       const api::SleepRequest& request, const Actor& actor,
                                       posix::Deadline wait_busy) = 0;
    /// Wakes it again. Throws wrong_state when it does not sleep.
    virtual api::PartitionView wake(const api::Selector& selector, const api::SleepRequest& request,
                                    const Actor& actor, posix::Deadline wait_busy) = 0;
};

} // namespace mshv::control
