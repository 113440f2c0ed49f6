// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/vmm/qemu/capabilities.hpp"
#include "toolstack/libs/posix/fd.hpp"
#include "toolstack/libs/posix/mutex.hpp"

#include <map>
#include <memory>
#include <string>
#include <utility>

namespace mshv::vmm::qemu {

/// Starts `program` without a machine and asks it over QMP what it can do. Throws api::Error
/// when it is no QEMU that answers.
Capabilities probe(const std::string& program, posix::Deadline deadline);

/// Asks a binary once for as long as it stays the same file: answers are kept in memory and in
/// `folder`, so that a daemon's first start need not wait for a probe. Thread-safe.
class CapabilityCache {
public:
    explicit CapabilityCache(std::string folder) : folder_(std::move(folder)) {}
    /// Shared, since it is thousands of names that each request would copy.
    std::shared_ptr<const Capabilities> get(const std::string& program, posix::Deadline deadline);

private:
    std::string folder_;
    posix::Mutex mutex_;
    std::map<std::string, std::pair<BinaryKey, std::shared_ptr<const Capabilities>>>
        known_ MSHV_GUARDED_BY(mutex_); ///< by path
};

} // namespace mshv::vmm::qemu
