// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/control/core.hpp"

#include <atomic>

namespace mshv::control {

/// The folders of console logs, one a partition. Those of partitions that are no more are kept for
/// a while, so that one can read why they ended; the oldest go first.
class LogFolders {
public:
    explicit LogFolders(Core& core) : core_(core) {}

    /// A partition was removed, or the daemon has started: looks, in the background, whether there
    /// are too many.
    void look();

private:
    void prune() noexcept;
    bool put_aside(int logs, const std::string& name, const api::Uuid& uuid);

    Core& core_;
    std::atomic<bool> waiting_ = false; ///< a look is queued that has not begun
};

} // namespace mshv::control
