// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/spec.hpp"

#include <string_view>

namespace mshv::ctl {

inline constexpr std::string_view redacted = "(redacted)";

/// `spec` without what its owner wrote for the guest or for people: the kernel's command line,
/// SMBIOS values, title, description and metadata. What has none gets none.
api::PartitionSpec without_secrets(api::PartitionSpec spec);

} // namespace mshv::ctl
