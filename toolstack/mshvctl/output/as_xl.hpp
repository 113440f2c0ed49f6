// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace mshv::ctl {

/// Whether a verb prints what xl would: --format is "xl", or was not given and MSHVCTL_COMPAT=xl is
/// in the environment.
bool as_xl(std::string_view format);

/// Whether `xl info` has this key.
bool is_key_of_xl(std::string_view key);

} // namespace mshv::ctl
