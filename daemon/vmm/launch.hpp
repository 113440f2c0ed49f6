// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/vmm/factory.hpp"
#include "daemon/vmm/hub.hpp"

#include <memory>
#include <string>

namespace mshv::vmm {

/// Carries out a plan: folder, files, taps, sockets, keeper; returns when the VMM answers. On a
/// throw nothing of it is left.
std::unique_ptr<VmmProcess> launch_plan(const HostOptions& options, const std::shared_ptr<Hub>& hub,
                                        const domain::LaunchPlan& plan, Deadline deadline);

/// Ends keeper and VMM of a run folder by the identities that stand in it (and `keeper`, when the
/// caller holds it), then removes the folder. Throws api::Error{timeout} when one does not go.
void end_remains(const std::string& run_dir, const posix::PidFd* keeper, Deadline deadline);

} // namespace mshv::vmm
