// SPDX-License-Identifier: Apache-2.0
#include "daemon/net/bridge_port.hpp"

#include "daemon/net/message.hpp"

#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <utility>

namespace mshv::net {
namespace {

template <typename T>
T number(std::optional<std::string_view> bytes) {
    T value{};
    if (bytes && bytes->size() == sizeof value) {
        bytes->copy(reinterpret_cast<char*>(&value), sizeof value);
    }
    return value;
}

void change_vlan(std::uint16_t request, unsigned port, unsigned vlan, unsigned flags) {
    ifinfomsg link{};
    link.ifi_family = AF_BRIDGE;
    link.ifi_index = static_cast<int>(port);
    Message message(request, NLM_F_ACK, link);
    const auto port_spec = message.open(IFLA_AF_SPEC);
    message.add(IFLA_BRIDGE_VLAN_INFO, bridge_vlan_info{static_cast<std::uint16_t>(flags),
                                                        static_cast<std::uint16_t>(vlan)});
    message.close(port_spec);
    change(std::move(message), "set VLAN");
}

} // namespace

BridgeVlans vlans_of(unsigned bridge) {
    ifinfomsg link{};
    link.ifi_family = AF_UNSPEC;
    link.ifi_index = static_cast<int>(bridge);
    const std::string answer = ask(Message(RTM_GETLINK, 0, link), "look at bridge");
    const std::string_view attributes =
        std::string_view(answer).substr(std::min(answer.size(), sizeof link));
    const auto info = attribute(attributes, IFLA_LINKINFO);
    const auto data = info ? attribute(*info, IFLA_INFO_DATA) : std::nullopt;
    BridgeVlans vlans;
    if (data) {
        vlans.filters = number<std::uint8_t>(attribute(*data, IFLA_BR_VLAN_FILTERING)) != 0;
        vlans.of_ports = number<std::uint16_t>(attribute(*data, IFLA_BR_VLAN_DEFAULT_PVID));
    }
    return vlans;
}

void put_into_vlan(unsigned port, unsigned vlan, const BridgeVlans& bridge) {
    change_vlan(RTM_SETLINK, port, vlan, BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED);
    if (bridge.of_ports != 0 && bridge.of_ports != vlan) {
        change_vlan(RTM_DELLINK, port, bridge.of_ports, 0);
    }
}

} // namespace mshv::net
