// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/domain/launch_plan.hpp"
#include "toolstack/libs/posix/deadline.hpp"

#include <string>

namespace mshv::vmm {

/// Makes the image of a cloud-init seed (ISO 9660 with Rock Ridge and Joliet, volume "cidata"),
/// readable by this process's user alone: the VMM gets it as a descriptor. The same documents give
/// the same bytes, so that a saved guest finds what it had. `program` is xorriso. Throws api::Error
/// naming the document or the program, TimedOut at the deadline; what it leaves then goes with
/// the run folder.
void make_seed(const std::string& program, const domain::SeedPlan& plan, posix::Deadline deadline);

} // namespace mshv::vmm
