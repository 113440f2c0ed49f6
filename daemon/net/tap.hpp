// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/domain/launch_plan.hpp"
#include "toolstack/libs/posix/fd.hpp"

namespace mshv::net {

/// Makes the tap that `plan` describes and returns its descriptor, whose end is the interface's
/// end. Throws api::Error: not_found as `failed` for a bridge that does not exist, exists for a
/// name that is taken. On a throw nothing is left.
posix::Fd open_tap(const domain::TapPlan& plan);

} // namespace mshv::net
