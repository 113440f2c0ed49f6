// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

namespace mshv::net {

/// Somebody that this host has spoken with.
struct Neighbour {
    unsigned interface = 0; ///< of the host, by index
    std::string mac;        ///< xx:xx:xx:xx:xx:xx, lower case
    std::string address;    ///< IPv4 or IPv6
};

/// The kernel's tables of ARP and NDP, without what failed or was never answered. Throws
/// std::system_error.
std::vector<Neighbour> neighbours();

/// Those of one message of the kernel's dump; sets `ended` at its last.
std::vector<Neighbour> read_neighbours(std::span<const char> message, bool& ended);

} // namespace mshv::net
