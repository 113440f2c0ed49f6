// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/lib/notify.hpp"

#include <sys/socket.h>
#include <sys/un.h>

namespace mshv::e2e {

posix::Fd notify_socket(const std::string& path) {
    posix::Fd socket(posix::check(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket"));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    posix::check(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
                 "bind " + path);
    return socket;
}

} // namespace mshv::e2e
