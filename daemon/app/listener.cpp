// SPDX-License-Identifier: Apache-2.0
#include "daemon/app/listener.hpp"

#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/posix/socket.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <system_error>
#include <systemd/sd-daemon.h>
#include <unistd.h>
#include <vector>

namespace mshv::app {
namespace {

constexpr mode_t socket_mode = 0660;

/// One entry of system.posix_acl_access, see linux/posix_acl_xattr.h.
struct AclEntry {
    std::uint16_t tag;
    std::uint16_t permissions;
    std::uint32_t id;
};
static_assert(sizeof(AclEntry) == 8);

/// setfacl -m g:GROUP:rw, without the package: the owner's and group's rights stay as they are.
bool let_group_in(const std::string& path, gid_t group) {
    constexpr std::uint32_t version = 2;
    constexpr std::uint32_t no_id = UINT32_MAX;
    constexpr std::uint16_t read_write = 6;
    const std::array<AclEntry, 5> entries{{{0x01, read_write, no_id}, // owner
                                           {0x04, read_write, no_id}, // owning group
                                           {0x08, read_write, group},
                                           {0x10, read_write, no_id}, // mask
                                           {0x20, 0, no_id}}};        // others
    std::array<char, sizeof version + sizeof entries> value{};
    std::memcpy(value.data(), &version, sizeof version);
    std::memcpy(value.data() + sizeof version, entries.data(), sizeof entries);
    return ::setxattr(path.c_str(), "system.posix_acl_access", value.data(), value.size(), 0) == 0;
}

std::optional<posix::Fd> passed_listener() {
    const int count = ::sd_listen_fds(1);
    if (count <= 0) {
        return std::nullopt;
    }
    posix::Fd fd{SD_LISTEN_FDS_START};
    for (int extra = 1; extra < count; ++extra) {
        const posix::Fd closed{SD_LISTEN_FDS_START + extra};
    }
    if (count != 1 || ::sd_is_socket_unix(fd.get(), SOCK_STREAM, 1, nullptr, 0) <= 0) {
        throw api::Error(api::ErrorCode::invalid,
                         "what the service manager passed is not one listening Unix socket",
                         "mshvd.socket has exactly one ListenStream=");
    }
    return fd;
}

/// Where a listening socket that somebody else has made can be reached.
std::string path_of(int socket) {
    sockaddr_un address{};
    socklen_t size = sizeof address;
    posix::check(::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size),
                 "ask for the socket's path");
    return {address.sun_path, ::strnlen(address.sun_path, sizeof address.sun_path)};
}

posix::Fd make_listener(const std::string& path) {
    try {
        return posix::listen_unix(path, socket_mode);
    } catch (const std::system_error& error) {
        if (error.code() == std::errc::address_in_use) {
            throw api::Error(api::ErrorCode::exists, "another process answers at " + path,
                             "is another mshvd running? give this one another api.socket");
        }
        throw;
    }
}

} // namespace

std::optional<gid_t> group_number(const std::string& name) {
    if (name.empty()) {
        return std::nullopt;
    }
    gid_t number = 0;
    const char* last = name.data() + name.size();
    const auto [end, error] = std::from_chars(name.data(), last, number);
    if (error == std::errc{} && end == last) {
        return number;
    }
    std::vector<char> buffer(16384);
    group entry{};
    group* found = nullptr;
    int status = 0;
    while ((status = ::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found)) ==
           ERANGE) {
        buffer.resize(buffer.size() * 2);
    }
    if (found == nullptr) {
        throw api::Error(api::ErrorCode::not_found, "there is no group '" + name + "'",
                         "groupadd --system " + name + ", or name another in mshvd.toml");
    }
    return entry.gr_gid;
}

Listener open_listener(const std::string& path, const SocketAccess& access,
                       const std::function<void(const std::string&)>& warn) {
    auto passed = passed_listener();
    Listener listener{passed ? std::move(*passed) : make_listener(path), passed.has_value()};
    const std::string where = passed ? path_of(listener.fd.get()) : path;
    if (access.admins && ::chown(where.c_str(), static_cast<uid_t>(-1), *access.admins) != 0) {
        warn("the group of " + where + " could not be set: " + std::strerror(errno));
    }
    if (access.readers && !let_group_in(where, *access.readers)) {
        warn("readers cannot reach " + where + ": its file system has no ACLs");
    }
    return listener;
}

} // namespace mshv::app
