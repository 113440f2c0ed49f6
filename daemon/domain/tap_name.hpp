// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/api/spec.hpp"
#include "toolstack/libs/api/view.hpp"

#include <algorithm>
#include <string>

namespace mshv::domain {

/// The interface that a bridged NIC has on the host: what the definition says, else a name of the
/// partition's number, which is never used again, and the NIC's alias or MAC. Whatever comes and
/// goes beside it, the name stays.
inline std::string tap_name(api::PartitionNumber id, const api::Nic& nic) {
    constexpr std::size_t longest = 15; // the kernel's limit
    constexpr std::size_t most_of_mac = 6;
    if (!nic.target.empty()) {
        return nic.target;
    }
    const std::string stem = "mshv" + std::to_string(id) + ".";
    const std::string number = nic.alias.starts_with("net") ? nic.alias.substr(3) : "";
    if (!number.empty() && stem.size() + number.size() <= longest &&
        number.find_first_not_of("0123456789") == std::string::npos) {
        return stem + number;
    }
    std::string mac = nic.mac;
    std::erase(mac, ':');
    const auto room = std::min({most_of_mac, longest - std::min(stem.size(), longest), mac.size()});
    return stem + mac.substr(mac.size() - room);
}

} // namespace mshv::domain
