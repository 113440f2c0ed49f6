// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/core.hpp"
#include "toolstack/libs/api/claims.hpp"
#include "toolstack/libs/posix/mutex.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace mshv::control {

/// Whom the host's memory is promised to. A partition may take all that its definition says at any
/// time, however little its VMM has by now, so a start is judged by what the others may still take,
/// too. Thread-safe; waits for nothing but the database.
class Admission {
public:
    explicit Admission(Core& core) : core_(core) {}

    /// What `definition` promises a partition. Bytes.
    struct Promise {
        std::uint64_t memory = 0, overhead = 0, deposit = 0;
        [[nodiscard]] std::uint64_t sum() const { return memory + overhead + deposit; }
    };

    /// A start that was let through: it counts from now on until its run does, or it is given up.
    class Ticket {
    public:
        Ticket(Admission& admission, const api::Uuid& uuid) : admission_(&admission), uuid_(uuid) {}
        Ticket(Ticket&& other) noexcept;
        Ticket(const Ticket&) = delete;
        Ticket& operator=(const Ticket&) = delete;
        Ticket& operator=(Ticket&&) = delete;
        ~Ticket();

    private:
        Admission* admission_;
        api::Uuid uuid_;
    };

    /// Throws Error{no_resource} when the host has no room for it, whether or not that is refused.
    void judge(const api::PartitionSpec& spec) const;
    /// The same where it is refused, and the room is the partition's.
    [[nodiscard]] Ticket admit(const store::PartitionRow& row, const api::PartitionSpec& spec);

    /// Everybody that runs or starts.
    api::ClaimList list() const;
    /// What they may still take of the host's memory, in bytes.
    [[nodiscard]] std::uint64_t outstanding() const;

private:
    /// A promise as it was read from the database, and of what.
    struct Known {
        std::string incarnation;
        std::int64_t revision = 0;
        Promise promise;
    };

    [[nodiscard]] Promise promise_of(const api::PartitionSpec& spec) const;
    [[nodiscard]] std::vector<api::ClaimView> claims(bool fresh) const;
    [[nodiscard]] Promise recorded(const store::PartitionRow& row) const;
    [[nodiscard]] std::uint64_t resident(const store::PartitionRow& row, bool fresh) const;
    void refuse_without_pages(const api::PartitionSpec& spec) const;
    void forget(const api::Uuid& uuid);

    Core& core_;
    mutable posix::Mutex mutex_;
    mutable std::map<api::Uuid, Known> known_ MSHV_GUARDED_BY(mutex_);
    /// Starts that are under way.
    std::map<api::Uuid, api::ClaimView> starting_ MSHV_GUARDED_BY(mutex_);
    /// Held while a start is judged, so that two do not get the same memory.
    posix::Mutex judging_;
};

} // namespace mshv::control
