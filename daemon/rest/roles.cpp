// SPDX-License-Identifier: Apache-2.0
#include "daemon/rest/roles.hpp"

#include <algorithm>

namespace mshv::rest {

std::string_view role_name(Role role) {
    switch (role) {
    case Role::reader:
        return "reader";
    case Role::admin:
        return "admin";
    case Role::none:
        break;
    }
    return "none";
}

Role role_of(const posix::PeerCredentials& peer, const RolePolicy& policy) {
    const auto member = [&](std::optional<gid_t> group) {
        return group && (peer.gid == *group || std::find(peer.groups.begin(), peer.groups.end(),
                                                         *group) != peer.groups.end());
    };
    // What a user namespace does not map is seen as this uid and gid: nobody in particular.
    constexpr uid_t unmapped = 65534;
    if (peer.uid == 0 || (peer.uid == policy.own_uid && peer.uid != unmapped)) {
        return Role::admin;
    }
    if (peer.uid == unmapped) {
        return Role::none;
    }
    if (member(policy.admin_group)) {
        return Role::admin;
    }
    return member(policy.reader_group) ? Role::reader : Role::none;
}

} // namespace mshv::rest
