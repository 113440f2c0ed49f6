// SPDX-License-Identifier: Apache-2.0
#include "daemon/net/tap.hpp"

#include "daemon/net/bridge_port.hpp"
#include "daemon/net/netlink.hpp"
#include "daemon/net/rates.hpp"
#include "toolstack/libs/api/error.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <system_error>

namespace mshv::net {
namespace {

using api::Error;
using api::ErrorCode;

posix::Fd open_tun() {
    posix::Fd fd{::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK)};
    if (fd) {
        return fd;
    }
    const int error = errno;
    throw Error(ErrorCode::unsupported,
                "Cannot open /dev/net/tun: " + std::generic_category().message(error),
                error == ENOENT ? "load the module tun"
                                : "bridged NICs need a daemon that is root");
}

void name_tap(const posix::Fd& fd, const std::string& name) {
    ifreq request{};
    name.copy(request.ifr_name, IFNAMSIZ - 1);
    // IFF_TUN_EXCL: a persistent tap of the same name is somebody's, not ours to join.
    request.ifr_flags = static_cast<short>(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_TUN_EXCL);
    if (::ioctl(fd.get(), TUNSETIFF, &request) != 0) {
        const int error = errno;
        throw Error(error == EBUSY || error == EEXIST ? ErrorCode::exists : ErrorCode::failed,
                    "Cannot make the interface " + name + ": " +
                        std::generic_category().message(error),
                    error == EBUSY || error == EEXIST
                        ? "choose another target dev, or remove the one that has the name"
                        : "");
    }
    int header_size = 12; // struct virtio_net_hdr_v1, which every modern virtio device uses
    posix::check(::ioctl(fd.get(), TUNSETVNETHDRSZ, &header_size), "set up " + name);
}

} // namespace

posix::Fd open_tap(const domain::TapPlan& plan) {
    if (plan.name.empty() || plan.name.size() >= IFNAMSIZ) {
        throw Error(ErrorCode::invalid, "'" + plan.name + "' cannot name an interface",
                    "use 1 to 15 bytes");
    }
    const auto bridge = interface_index(plan.bridge);
    if (!bridge) {
        throw Error(ErrorCode::failed, "There is no bridge " + plan.bridge + " on this host",
                    "make it first, for instance: ip link add " + plan.bridge +
                        " type bridge && ip link set " + plan.bridge + " up");
    }
    if (!is_bridge(plan.bridge)) {
        throw Error(ErrorCode::invalid, plan.bridge + " is an interface, but no bridge",
                    "name a bridge, or use interface type=\"user\"");
    }
    const auto vlans = plan.vlan ? vlans_of(*bridge) : BridgeVlans{};
    if (plan.vlan && !vlans.filters) {
        throw Error(ErrorCode::failed,
                    "Bridge " + plan.bridge + " does not filter VLANs, which <vlan> needs",
                    "ip link set " + plan.bridge + " type bridge vlan_filtering 1");
    }
    MSHV_CRASHPOINT("net.tap.before_create");
    posix::Fd fd = open_tun();
    try {
        name_tap(fd, plan.name);
        MSHV_CRASHPOINT("net.tap.after_create");
        const auto index = interface_index(plan.name);
        if (!index) {
            throw Error(ErrorCode::failed, "The interface " + plan.name + " vanished");
        }
        // Separate steps: the kernel refuses an MTU together with a master that has another one.
        if (plan.mtu) {
            change_link(*index, {std::nullopt, plan.mtu, std::nullopt});
        }
        change_link(*index, {bridge, std::nullopt, std::nullopt});
        if (plan.vlan) {
            put_into_vlan(*index, *plan.vlan, vlans);
        }
        hold_to_rates(*index, plan);
        if (plan.link_up) {
            change_link(*index, {std::nullopt, std::nullopt, true});
        }
    } catch (const std::system_error& error) {
        throw Error(ErrorCode::failed, "Cannot set up the interface " + plan.name + " on bridge " +
                                           plan.bridge + ": " + error.code().message());
    }
    return fd;
}

} // namespace mshv::net
