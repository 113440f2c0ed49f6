// SPDX-License-Identifier: Apache-2.0
#include "daemon/net/netlink.hpp"

#include "daemon/net/message.hpp"
#include "toolstack/libs/posix/fd.hpp"

#include <cstdint>
#include <linux/ethtool.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string_view>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <utility>

namespace mshv::net {

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

void change_link(unsigned index, const LinkChange& wanted) {
    ifinfomsg link{};
    link.ifi_family = AF_UNSPEC;
    link.ifi_index = static_cast<int>(index);
    if (wanted.up) {
        link.ifi_change = IFF_UP;
        link.ifi_flags = *wanted.up ? static_cast<unsigned>(IFF_UP) : 0U;
    }
    Message message(RTM_NEWLINK, NLM_F_ACK, link);
    if (wanted.master) {
        message.add(IFLA_MASTER, std::uint32_t{*wanted.master});
    }
    if (wanted.mtu) {
        message.add(IFLA_MTU, std::uint32_t{*wanted.mtu});
    }
    change(std::move(message), "change interface");
}

} // namespace mshv::net
