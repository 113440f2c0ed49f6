// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/cpu_set.hpp"

#include <optional>
#include <string>

namespace mshv::vmm {

/// The processors in a file of the kernel's, "0-7\n"; empty when it cannot be read.
std::optional<api::CpuSet> read_cpu_list(const std::string& path);

} // namespace mshv::vmm
