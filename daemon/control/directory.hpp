// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/store/store.hpp"
#include "toolstack/libs/posix/deadline.hpp"
#include "toolstack/libs/posix/mutex.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace mshv::control {

/// The static part of a row as a view: no operation of the moment, no samples.
api::PartitionView to_view(const store::PartitionRow& row);

/// All partitions, in memory, exactly as the last commit left them.
class Directory {
public:
    struct Entry {
        store::PartitionRow row;
        std::string json; ///< of the row while nothing of it lives, rendered once
    };
    /// Shared by the table and whoever reads it at the moment; never changed.
    using EntryPtr = std::shared_ptr<const Entry>;

    void load(std::vector<store::PartitionRow> rows) MSHV_EXCLUDES(mutex_);
    void apply(const store::Committed& committed) MSHV_EXCLUDES(mutex_);

    [[nodiscard]] EntryPtr find(const api::Uuid& uuid) const MSHV_EXCLUDES(mutex_);
    [[nodiscard]] EntryPtr find(const std::string& name) const MSHV_EXCLUDES(mutex_);
    /// Throws Error{not_found}, or Error{usage} listing the candidates of an ambiguous prefix.
    [[nodiscard]] EntryPtr resolve(const api::Selector& selector) const MSHV_EXCLUDES(mutex_);
    /// In the order of the numbers.
    [[nodiscard]] std::vector<EntryPtr> all() const MSHV_EXCLUDES(mutex_);

    /// Grows with every change. wait() returns the present one once it is not `seen`, or at the
    /// deadline; throws Error{unreachable} after stop().
    [[nodiscard]] std::uint64_t version() const MSHV_EXCLUDES(mutex_);
    std::uint64_t wait(std::uint64_t seen, posix::Deadline deadline) MSHV_EXCLUDES(mutex_);
    /// The partition once `done` holds of it, or as it is at the deadline; null when it is gone. Throws
    /// as wait().
    EntryPtr await(const api::Uuid& uuid, posix::Deadline deadline,
                   const std::function<bool(const store::PartitionRow&)>& done)
        MSHV_EXCLUDES(mutex_);
    void stop() MSHV_EXCLUDES(mutex_);

private:
    void insert(store::PartitionRow row) MSHV_REQUIRES(mutex_);
    void erase(store::PartitionNumber id) MSHV_REQUIRES(mutex_);
    EntryPtr by_id(store::PartitionNumber id) const MSHV_REQUIRES(mutex_);
    EntryPtr by_number(const std::string& text) const MSHV_REQUIRES(mutex_);
    EntryPtr by_uuid(const std::string& text) const MSHV_REQUIRES(mutex_);

    mutable posix::Mutex mutex_;
    posix::Condition changed_;
    std::map<store::PartitionNumber, EntryPtr> entries_ MSHV_GUARDED_BY(mutex_);
    std::unordered_map<std::string, store::PartitionNumber> names_ MSHV_GUARDED_BY(mutex_);
    std::map<api::Uuid, store::PartitionNumber> uuids_ MSHV_GUARDED_BY(mutex_);
    std::uint64_t version_ MSHV_GUARDED_BY(mutex_) = 1;
    bool stopped_ MSHV_GUARDED_BY(mutex_) = false;
};

} // namespace mshv::control
