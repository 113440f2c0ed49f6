// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/posix/fd.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace mshv::app {

/// The number of group `name`, which may be a number itself; empty for the empty name. Throws
/// api::Error{not_found} for a name that no group has.
std::optional<gid_t> group_number(const std::string& name);

/// Whom the socket file lets in; what they may do is decided for each connection.
struct SocketAccess {
    std::optional<gid_t> admins;  ///< owns the file
    std::optional<gid_t> readers; ///< gets in by an ACL
};

/// The listening socket: the one that the service manager passed, or one made at `path` (0660).
/// `activated` says which. `warn` gets what could not be done but does not matter enough to fail.
/// Throws api::Error{exists} when another daemon answers at `path`.
struct Listener {
    posix::Fd fd;
    bool activated = false;
};
Listener open_listener(const std::string& path, const SocketAccess& access,
                       const std::function<void(const std::string&)>& warn);

} // namespace mshv::app
