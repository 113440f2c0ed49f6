// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/import/libvirt_rules.hpp"

namespace mshv::foreign {

/// The rules that look at more than one word: disks on other buses, libvirt's networks, displays on
/// ports, consoles with other ends.
void rewrite_libvirt_devices(const guestxml::Node& devices, const ImportOptions& options,
                             Edits& edits, LibvirtReport& report);

} // namespace mshv::foreign
