// SPDX-License-Identifier: Apache-2.0
#include "daemon/net/neighbours.hpp"

#include "toolstack/libs/posix/fd.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <optional>
#include <sys/socket.h>
#include <system_error>

namespace mshv::net {
namespace {

constexpr std::size_t mac_bytes = 6;
constexpr std::size_t most_neighbours = 65'536;

std::string mac_text(std::span<const char> bytes) {
    std::array<char, 18> text{};
    const auto at = [&](std::size_t i) { return static_cast<unsigned>(bytes[i]) & 0xffU; };
    std::snprintf(text.data(), text.size(), "%02x:%02x:%02x:%02x:%02x:%02x", at(0), at(1), at(2),
                  at(3), at(4), at(5));
    return text.data();
}

std::string address_text(int family, std::span<const char> bytes) {
    const std::size_t wanted = family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (wanted == 0 || bytes.size() != wanted ||
        ::inet_ntop(family, bytes.data(), text.data(), text.size()) == nullptr) {
        return {};
    }
    return text.data();
}

/// One entry of the table: everything behind its header, attribute by attribute.
std::optional<Neighbour> read_entry(std::span<const char> body) {
    constexpr unsigned answered = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT;
    ndmsg entry{};
    if (body.size() < sizeof entry) {
        return std::nullopt;
    }
    std::memcpy(&entry, body.data(), sizeof entry);
    if ((entry.ndm_state & answered) == 0) {
        return std::nullopt;
    }
    Neighbour found;
    found.interface = static_cast<unsigned>(entry.ndm_ifindex);
    std::span<const char> rest = body.subspan(std::min(NLMSG_ALIGN(sizeof entry), body.size()));
    rtattr attribute{};
    while (rest.size() >= sizeof attribute) {
        std::memcpy(&attribute, rest.data(), sizeof attribute);
        if (attribute.rta_len < sizeof attribute || attribute.rta_len > rest.size()) {
            return std::nullopt;
        }
        const auto value = rest.subspan(RTA_LENGTH(0), attribute.rta_len - RTA_LENGTH(0));
        if (attribute.rta_type == NDA_LLADDR && value.size() == mac_bytes) {
            found.mac = mac_text(value);
        } else if (attribute.rta_type == NDA_DST) {
            found.address = address_text(entry.ndm_family, value);
        }
        rest = rest.subspan(std::min<std::size_t>(RTA_ALIGN(attribute.rta_len), rest.size()));
    }
    return found.mac.empty() || found.address.empty() ? std::nullopt : std::optional(found);
}

} // namespace

std::vector<Neighbour> read_neighbours(std::span<const char> message, bool& ended) {
    std::vector<Neighbour> result;
    nlmsghdr header{};
    while (message.size() >= sizeof header) {
        std::memcpy(&header, message.data(), sizeof header);
        if (header.nlmsg_len < NLMSG_HDRLEN || header.nlmsg_len > message.size()) {
            throw std::system_error(EPROTO, std::generic_category(), "netlink");
        }
        const auto body = message.subspan(NLMSG_HDRLEN, header.nlmsg_len - NLMSG_HDRLEN);
        if (header.nlmsg_type == NLMSG_ERROR) {
            nlmsgerr error{};
            std::memcpy(&error, body.data(), std::min(body.size(), sizeof error));
            throw std::system_error(-error.error, std::generic_category(), "list neighbours");
        }
        if (header.nlmsg_type == NLMSG_DONE) {
            ended = true;
            break;
        }
        if (header.nlmsg_type == RTM_NEWNEIGH) {
            if (auto found = read_entry(body)) {
                result.push_back(std::move(*found));
            }
        }
        message = message.subspan(
            std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), message.size()));
    }
    return result;
}

std::vector<Neighbour> neighbours() {
    const posix::Fd socket{
        posix::check(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), "netlink")};
    struct {
        nlmsghdr header{};
        ndmsg entry{};
    } request;
    request.header.nlmsg_len = sizeof request;
    request.header.nlmsg_type = RTM_GETNEIGH;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    request.header.nlmsg_seq = 1;
    sockaddr_nl kernel{};
    kernel.nl_family = AF_NETLINK;
    posix::check(::sendto(socket.get(), &request, sizeof request, 0,
                          reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel),
                 "netlink request");
    // The kernel answers as it is read; the deadline only guards against surprise.
    const auto deadline = posix::Deadline::after(std::chrono::seconds(5));
    std::vector<Neighbour> result;
    std::vector<char> answer(256UL * 1024);
    for (bool ended = false; !ended && result.size() < most_neighbours;) {
        const auto got = posix::read_some(socket.get(), answer, deadline, "netlink");
        if (got == 0) {
            throw std::system_error(EPROTO, std::generic_category(), "netlink");
        }
        auto some = read_neighbours(std::span(answer).first(got), ended);
        result.insert(result.end(), some.begin(), some.end());
    }
    return result;
}

} // namespace mshv::net
