// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/guest.hpp"
#include "toolstack/libs/api/identity.hpp"
#include "toolstack/libs/posix/deadline.hpp"

namespace mshv::control {

struct Actor;

/// The use cases that ask a partition's guest, by its agent. Thread-safe. They take no operation
/// lock, so that neither waits for the other, and each waits for a guest for a bounded time on its
/// caller's thread alone. One talks with one agent at a time: who comes second waits until
/// `wait_busy`, or a moment, and is told busy.
class GuestService {
public:
    virtual ~GuestService() = default;

    virtual api::GuestPing ping(const api::Selector& selector, const Actor& actor) = 0;
    virtual api::GuestInfo info(const api::Selector& selector, const Actor& actor) = 0;
    /// As the guest says, or, where it has no agent, as the host has seen.
    virtual api::GuestAddresses addresses(const api::Selector& selector, const Actor& actor) = 0;
    virtual api::GuestExecStarted exec(const api::Selector& selector,
                                       const api::GuestExecRequest& request, const Actor& actor,
                                       posix::Deadline wait_busy) = 0;
    virtual api::GuestExecStatus exec_status(const api::Selector& selector,
                                             const api::GuestExecStatusRequest& request,
                                             const Actor& actor) = 0;
    /// The guest is thawed at the deadline, whatever becomes of the caller and of this daemon.
    virtual api::GuestFreeze freeze(const api::Selector& selector,
                                    const api::GuestFreezeRequest& request, const Actor& actor,
                                    posix::Deadline wait_busy) = 0;
    virtual api::GuestFreeze thaw(const api::Selector& selector, const Actor& actor,
                                  posix::Deadline wait_busy) = 0;
    virtual api::GuestFreeze freeze_status(const api::Selector& selector, const Actor& actor) = 0;
    /// Sets the guest's clock to the host's.
    virtual api::GuestTime sync_time(const api::Selector& selector, const Actor& actor,
                                     posix::Deadline wait_busy) = 0;
};

} // namespace mshv::control
