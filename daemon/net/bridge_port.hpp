// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace mshv::net {

struct BridgeVlans {
    bool filters = false;       ///< it keeps VLANs apart
    std::uint16_t of_ports = 0; ///< in which each new port is; 0 = in none
};
/// Throws std::system_error.
BridgeVlans vlans_of(unsigned bridge);

/// Puts a port of the bridge, which filters, into this VLAN and no other: what comes in is of it,
/// what goes out has no tag.
void put_into_vlan(unsigned port, unsigned vlan, const BridgeVlans& bridge);

} // namespace mshv::net
