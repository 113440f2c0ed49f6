// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/posix/socket.hpp"

#include <optional>
#include <string_view>
#include <sys/types.h>

namespace mshv::rest {

/// What a caller may do; each role may do what those before it may.
enum class Role { none, reader, admin };

std::string_view role_name(Role role);

/// Who has which role. Groups are numbers: no name is looked up while the daemon answers.
struct RolePolicy {
    uid_t own_uid = 0; ///< the daemon's; it and uid 0 are admins
    std::optional<gid_t> admin_group;
    std::optional<gid_t> reader_group;
};

/// By the credentials that the kernel recorded when the peer connected.
Role role_of(const posix::PeerCredentials& peer, const RolePolicy& policy);

} // namespace mshv::rest
