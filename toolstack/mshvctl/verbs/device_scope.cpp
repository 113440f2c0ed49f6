// SPDX-License-Identifier: Apache-2.0
#include "toolstack/mshvctl/verbs/device_scope.hpp"

namespace mshv::ctl::verbs {

void DeviceScope::declare(Arguments& arguments) {
    arguments.flag("--live", "in what runs, until it ends", live);
    arguments.flag("--config", "in the definition, for every start from now on", config);
}

} // namespace mshv::ctl::verbs
