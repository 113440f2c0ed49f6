// SPDX-License-Identifier: Apache-2.0
#include "daemon/net/netlink.hpp"

#include "toolstack/libs/posix/fd.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <linux/ethtool.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string_view>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace mshv::net {
namespace {

/// An rtnetlink request under construction, with room for a handful of attributes.
class Request {
public:
    Request(unsigned index, const LinkChange& change) {
        auto* const header = reinterpret_cast<nlmsghdr*>(bytes_.data());
        header->nlmsg_len = NLMSG_LENGTH(sizeof(ifinfomsg));
        header->nlmsg_type = RTM_NEWLINK;
        header->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
        header->nlmsg_seq = 1;
        ifinfomsg link{};
        link.ifi_family = AF_UNSPEC;
        link.ifi_index = static_cast<int>(index);
        if (change.up) {
            link.ifi_change = IFF_UP;
            link.ifi_flags = *change.up ? static_cast<unsigned>(IFF_UP) : 0U;
        }
        std::memcpy(bytes_.data() + NLMSG_HDRLEN, &link, sizeof link);
        if (change.master) {
            add(IFLA_MASTER, *change.master);
        }
        if (change.mtu) {
            add(IFLA_MTU, *change.mtu);
        }
    }
    [[nodiscard]] const char* data() const { return bytes_.data(); }
    [[nodiscard]] std::size_t size() const {
        return reinterpret_cast<const nlmsghdr*>(bytes_.data())->nlmsg_len;
    }

private:
    void add(unsigned short type, std::uint32_t value) {
        auto* const header = reinterpret_cast<nlmsghdr*>(bytes_.data());
        rtattr attribute{};
        attribute.rta_type = type;
        attribute.rta_len = static_cast<unsigned short>(RTA_LENGTH(sizeof value));
        char* const at = bytes_.data() + NLMSG_ALIGN(header->nlmsg_len);
        std::memcpy(at, &attribute, sizeof attribute);
        std::memcpy(at + RTA_LENGTH(0), &value, sizeof value);
        header->nlmsg_len =
            NLMSG_ALIGN(header->nlmsg_len) + static_cast<unsigned>(RTA_ALIGN(attribute.rta_len));
    }

    alignas(nlmsghdr) std::array<char, 256> bytes_{};
};

} // namespace

std::optional<unsigned> interface_index(const std::string& name) {
    const unsigned index = ::if_nametoindex(name.c_str());
    return index == 0 ? std::nullopt : std::optional(index);
}

bool is_bridge(const std::string& name) {
    const posix::Fd socket{
        posix::check(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "create socket")};
    ethtool_drvinfo driver{};
    driver.cmd = ETHTOOL_GDRVINFO;
    ifreq request{};
    name.copy(request.ifr_name, IFNAMSIZ - 1);
    request.ifr_data = reinterpret_cast<char*>(&driver);
    return ::ioctl(socket.get(), SIOCETHTOOL, &request) == 0 &&
           std::string_view(driver.driver) == "bridge";
}

void change_link(unsigned index, const LinkChange& change) {
    const posix::Fd socket{
        posix::check(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), "netlink")};
    const Request request(index, change);
    sockaddr_nl kernel{};
    kernel.nl_family = AF_NETLINK;
    posix::check(::sendto(socket.get(), request.data(), request.size(), 0,
                          reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel),
                 "netlink request");
    alignas(nlmsghdr) std::array<char, 4096> answer{};
    // The kernel has answered by the time sendto returns; the deadline only guards against
    // surprise.
    const auto got = posix::read_some(socket.get(), answer,
                                      posix::Deadline::after(std::chrono::seconds(5)), "netlink");
    const auto* const header = reinterpret_cast<const nlmsghdr*>(answer.data());
    if (got < NLMSG_LENGTH(sizeof(nlmsgerr)) || header->nlmsg_type != NLMSG_ERROR) {
        throw std::system_error(EPROTO, std::generic_category(), "netlink");
    }
    nlmsgerr result{};
    std::memcpy(&result, answer.data() + NLMSG_HDRLEN, sizeof result);
    if (result.error != 0) {
        throw std::system_error(-result.error, std::generic_category(), "change interface");
    }
}

} // namespace mshv::net
