// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/posix/deadline.hpp"

#include <string>

namespace mshv::vmm {

/// Asks the guest agent behind the VMM's socket at `path` to power the guest off or to reboot it.
/// Returns when the agent has the request. The agent is the guest's: its answers are bounded, and
/// every wait ends at the deadline. Throws api::Error.
void agent_shutdown(const std::string& path, bool reboot, posix::Deadline deadline);

} // namespace mshv::vmm
