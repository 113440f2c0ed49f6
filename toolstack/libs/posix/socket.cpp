// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/posix/socket.hpp"

#include "toolstack/libs/posix/pidfd.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <system_error>
#include <unistd.h>

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

namespace mshv::posix {
namespace {

constexpr std::size_t most_fds = 64;

sockaddr_un unix_address(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        throw_errno("socket path " + path);
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

const sockaddr* as_sockaddr(const sockaddr_un& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

Fd stream_socket(int flags) {
    return Fd{check(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0), "create socket")};
}

/// A living process answers there. The socket of one that was killed may be connected to for a
/// moment longer: a child between fork and exec has it too.
bool is_answered(const sockaddr_un& address) {
    const Fd probe = stream_socket(SOCK_NONBLOCK);
    if (::connect(probe.get(), as_sockaddr(address), sizeof address) != 0) {
        return errno == EAGAIN; // its backlog is full
    }
    return identify_process(peer_credentials(probe.get()).pid).has_value();
}

} // namespace

PeerCredentials peer_credentials(int socket) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    check(::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size), "SO_PEERCRED");
    PeerCredentials peer{credentials.pid, credentials.uid, credentials.gid, {}};
    socklen_t bytes = 0;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, nullptr, &bytes) != 0 && errno == ERANGE) {
        peer.groups.resize(bytes / sizeof(gid_t));
        check(::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, peer.groups.data(), &bytes),
              "SO_PEERGROUPS");
    }
    return peer;
}

Fd listen_unix(const std::string& path, mode_t mode, int backlog) {
    const sockaddr_un address = unix_address(path);
    struct stat existing {};
    if (::lstat(path.c_str(), &existing) == 0) {
        if (!S_ISSOCK(existing.st_mode) || is_answered(address)) {
            errno = EADDRINUSE;
            throw_errno("listen on " + path);
        }
        check(::unlink(path.c_str()), "remove stale socket " + path);
    }
    Fd listener = stream_socket(0);
    // Nobody can connect before listen, so the mode is in force in time; umask would reach into the
    // files that other threads make meanwhile.
    check(::bind(listener.get(), as_sockaddr(address), sizeof address), "bind " + path);
    check(::chmod(path.c_str(), mode), "set the mode of " + path);
    check(::listen(listener.get(), backlog), "listen on " + path);
    return listener;
}

Fd connect_unix(const std::string& path, Deadline deadline) {
    const sockaddr_un address = unix_address(path);
    Fd socket = stream_socket(SOCK_NONBLOCK);
    while (::connect(socket.get(), as_sockaddr(address), sizeof address) != 0) {
        // A full backlog gives EAGAIN at once on AF_UNIX, and there is nothing to poll for: a
        // blocking connect with a send timeout is the kernel's own way to wait here.
        if (errno == EAGAIN && !deadline.expired()) {
            const int left = std::max(1, deadline.is_never() ? 1000 : deadline.poll_timeout());
            const timeval span{left / 1000, (left % 1000) * 1000};
            set_nonblocking(socket.get(), false);
            check(::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &span, sizeof span),
                  "SO_SNDTIMEO");
        } else if (errno == EAGAIN) {
            throw TimedOut("timed out: connect to " + path);
        } else if (errno != EINTR) {
            throw_errno("connect to " + path);
        }
    }
    set_nonblocking(socket.get(), false);
    const timeval none{};
    check(::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &none, sizeof none), "SO_SNDTIMEO");
    return socket;
}

Fd accept_unix(int listener) {
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) {
        return Fd{fd};
    }
    if (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR) {
        return Fd{};
    }
    throw_errno("accept");
}

std::pair<Fd, Fd> socket_pair(int type) {
    std::array<int, 2> ends{};
    check(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends.data()), "socketpair");
    return {Fd{ends[0]}, Fd{ends[1]}};
}

std::size_t send_some(int socket, std::string_view data, std::span<const int> fds) {
    if (fds.size() > most_fds || data.empty()) {
        errno = EINVAL;
        throw_errno("send descriptors");
    }
    alignas(cmsghdr) std::array<char, CMSG_SPACE(most_fds * sizeof(int))> control{};
    iovec piece{const_cast<char*>(data.data()), data.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    if (!fds.empty()) {
        message.msg_control = control.data();
        message.msg_controllen = CMSG_SPACE(fds.size_bytes());
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(fds.size_bytes());
        std::memcpy(CMSG_DATA(header), fds.data(), fds.size_bytes());
    }
    for (;;) {
        const ssize_t sent = ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) {
            return static_cast<std::size_t>(sent);
        }
        if (errno == EAGAIN) {
            return 0;
        }
        if (errno != EINTR) {
            throw_errno("send descriptors");
        }
    }
}

void send_with_fds(int socket, std::string_view data, std::span<const int> fds, Deadline deadline) {
    for (;;) {
        if (const std::size_t sent = send_some(socket, data, fds); sent > 0) {
            write_all(socket, data.substr(sent), deadline, "send");
            return;
        }
        wait_for(socket, POLLOUT, deadline, "send descriptors");
    }
}

std::size_t receive_with_fds(int socket, std::span<char> buffer, std::vector<Fd>& fds,
                             Deadline deadline) {
    alignas(cmsghdr) std::array<char, CMSG_SPACE(most_fds * sizeof(int))> control{};
    for (;;) {
        iovec piece{buffer.data(), buffer.size()};
        msghdr message{};
        message.msg_iov = &piece;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        const ssize_t got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
        if (got < 0) {
            if (errno == EAGAIN) {
                wait_for(socket, POLLIN, deadline, "receive");
            } else if (errno != EINTR) {
                throw_errno("receive");
            }
            continue;
        }
        for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
             header = CMSG_NXTHDR(&message, header)) {
            if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
                const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
                for (std::size_t i = 0; i < count; ++i) {
                    int number = -1;
                    std::memcpy(&number, CMSG_DATA(header) + i * sizeof(int), sizeof number);
                    fds.emplace_back(number);
                }
            }
        }
        if ((message.msg_flags & MSG_CTRUNC) != 0) {
            errno = EMSGSIZE;
            throw_errno("receive: more descriptors than allowed");
        }
        return static_cast<std::size_t>(got);
    }
}

} // namespace mshv::posix
