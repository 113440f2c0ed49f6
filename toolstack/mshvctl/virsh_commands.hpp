// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace mshv::ctl {

/// What does here what a command of virsh's does that asks guests; empty for any other word. virsh's
/// other words are near enough to those of mshvctl.
std::string_view virsh_counterpart(std::string_view command);

} // namespace mshv::ctl
