// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/api/spec.hpp"

#include <string>
#include <vector>

namespace mshv::vmm {

/// Why the pins of `spec` cannot be on this host; `scheduler`: the hypervisor's, "" = not known.
void add_pin_objections(std::vector<api::Problem>& to, const api::PartitionSpec& spec,
                        api::Accelerator accelerator, const std::string& scheduler);

} // namespace mshv::vmm
