// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/domain/launch_plan.hpp"

namespace mshv::net {

/// Holds a new tap to the rates of its plan: to the guest by a token bucket where packets leave the
/// host, from it by a policer where they enter, which drops what is too fast. They go with the
/// tap. Throws api::Error where the kernel cannot, std::system_error else.
void hold_to_rates(unsigned index, const domain::TapPlan& plan);

} // namespace mshv::net
