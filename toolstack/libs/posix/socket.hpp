// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/posix/fd.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace mshv::posix {

/// Who is at the other end of an AF_UNIX stream, as the kernel recorded it at connect.
struct PeerCredentials {
    pid_t pid = 0;
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups; ///< supplementary groups (SO_PEERGROUPS); no name look-up is made
};

PeerCredentials peer_credentials(int socket);

/// A listening AF_UNIX stream socket at `path` with exactly `mode`. A stale socket file that no
/// living process answers is replaced; one that somebody answers throws (EADDRINUSE) and is left
/// alone.
Fd listen_unix(const std::string& path, mode_t mode, int backlog = 128);

/// Connects to the AF_UNIX stream socket at `path`.
Fd connect_unix(const std::string& path, Deadline deadline);

/// accept4 with O_CLOEXEC; an empty Fd when nothing waits (EAGAIN) or the peer gave up.
Fd accept_unix(int listener);

std::pair<Fd, Fd> socket_pair(int type);

/// One sendmsg that does not wait: the number of bytes of `data` that went, with all of `fds`; 0
/// when the socket is full and nothing went.
std::size_t send_some(int socket, std::string_view data, std::span<const int> fds);

/// Sends `data` and `fds` in one message on a stream socket (all of `data` or a throw).
void send_with_fds(int socket, std::string_view data, std::span<const int> fds, Deadline deadline);

/// One recvmsg: bytes into `buffer`, received descriptors (at most 64, close-on-exec) appended to
/// `fds`. Returns the number of bytes; 0 means end. Truncated control data throws.
std::size_t receive_with_fds(int socket, std::span<char> buffer, std::vector<Fd>& fds,
                             Deadline deadline);

} // namespace mshv::posix
