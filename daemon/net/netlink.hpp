// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

namespace mshv::net {

/// The kernel's number of an interface in this network namespace; empty when there is none.
std::optional<unsigned> interface_index(const std::string& name);

/// Is this interface a bridge?
bool is_bridge(const std::string& name);

struct LinkChange {
    std::optional<unsigned> master; ///< bridge to join, by index
    std::optional<unsigned> mtu;
    std::optional<bool> up;
};
/// One RTM_NEWLINK that changes interface `index`. Throws std::system_error with the kernel's
/// errno.
void change_link(unsigned index, const LinkChange& change);

} // namespace mshv::net
