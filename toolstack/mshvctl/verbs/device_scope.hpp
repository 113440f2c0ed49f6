// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/mshvctl/arguments.hpp"

#include <chrono>

namespace mshv::ctl::verbs {

/// --live and --config of a verb that changes devices.
struct DeviceScope {
    bool live = false, config = false;
    void declare(Arguments& arguments);
};

/// What the guest is given to take part, unless --timeout says otherwise; the daemon's own default.
inline constexpr std::chrono::seconds device_timeout{10};

} // namespace mshv::ctl::verbs
