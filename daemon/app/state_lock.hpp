// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/posix/fd.hpp"

#include <string>

namespace mshv::app {

/// The right to use a state folder: held by one daemon at a time, on any host that mounts it, and
/// given back by the kernel when its holder ends, however it ends.
class StateLock {
public:
    /// Makes `state_dir` (0700) when it is missing and locks it. Throws api::Error{busy} naming the
    /// holder's process id.
    explicit StateLock(const std::string& state_dir);

private:
    posix::Fd file_;
};

} // namespace mshv::app
