// SPDX-License-Identifier: Apache-2.0
#include "daemon/app/state_lock.hpp"

#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/posix/file.hpp"
#include "toolstack/libs/posix/lock_file.hpp"

#include <utility>

namespace mshv::app {

StateLock::StateLock(const std::string& state_dir) {
    posix::make_directories(state_dir, 0700);
    auto lock = posix::lock_file(state_dir + "/lock");
    if (!lock.file) {
        throw api::Error(api::ErrorCode::busy,
                         "state dir " + state_dir + " is locked by " +
                             (lock.holder == 0 ? "another process"
                                               : "pid " + std::to_string(lock.holder)),
                         "only one mshvd may use a state folder");
    }
    file_ = std::move(lock.file);
}

} // namespace mshv::app
