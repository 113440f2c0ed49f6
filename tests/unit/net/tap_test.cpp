// SPDX-License-Identifier: Apache-2.0
#include "daemon/net/bridge_port.hpp"
#include "daemon/net/netlink.hpp"
#include "daemon/net/rates.hpp"
#include "daemon/net/tap.hpp"
#include "tests/unit/api/thrown.hpp"
#include "toolstack/libs/posix/command.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <array>
#include <boost/test/unit_test.hpp>
#include <cstring>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <string>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SIOCBRADDBR
#define SIOCBRADDBR 0x89a0
#endif

namespace {

using namespace mshv;
using testing::error_of;

/// Every test of this file works in a network namespace of its own, entered once.
bool private_network() {
    static const bool entered =
        ::geteuid() == 0 && ::unshare(CLONE_NEWNET) == 0 && ::access("/dev/net/tun", W_OK) == 0;
    return entered;
}

boost::test_tools::assertion_result has_private_network(boost::unit_test::test_unit_id) {
    boost::test_tools::assertion_result result(private_network());
    result.message() << "needs root and /dev/net/tun";
    return result;
}

/// What one of iproute2's programs says, in JSON.
std::string asked(const std::vector<std::string>& argv) {
    int ends[2] = {-1, -1};
    BOOST_REQUIRE_EQUAL(::pipe2(ends, O_CLOEXEC), 0);
    const posix::Fd reader{ends[0]};
    posix::Fd writer{ends[1]};
    posix::Command command;
    command.program = "/usr/sbin/" + argv.front();
    command.argv = argv;
    command.env = {"PATH=/usr/sbin:/usr/bin"};
    command.fds = {{writer.get(), 1}};
    auto child = posix::spawn(command);
    writer.reset();
    std::string text;
    const auto deadline = posix::Deadline::after(std::chrono::seconds(30));
    for (std::array<char, 4096> piece{};;) {
        const auto got = posix::read_some(reader.get(), piece, deadline, "program");
        if (got == 0) {
            break;
        }
        text.append(piece.data(), got);
    }
    child.pidfd.wait_ended(deadline);
    (void)child.pidfd.reap();
    return text;
}

/// A tap alone, where no bridge is needed.
struct Alone {
    posix::Fd fd{::open("/dev/net/tun", O_RDWR | O_CLOEXEC)};
    unsigned index = 0;
    explicit Alone(const std::string& name) {
        ifreq request{};
        name.copy(request.ifr_name, IFNAMSIZ - 1);
        request.ifr_flags = IFF_TAP | IFF_NO_PI;
        BOOST_REQUIRE_EQUAL(::ioctl(fd.get(), TUNSETIFF, &request), 0);
        index = net::interface_index(name).value();
    }
};

bool kernel_has(const std::string& what) {
    const Alone probe("probe0");
    domain::TapPlan plan;
    plan.name = "probe0";
    const api::NicRate rate{1000, 0, 0};
    (what == "tbf" ? plan.inbound : plan.outbound) = rate;
    return error_of([&] { net::hold_to_rates(probe.index, plan); }).empty();
}
template <const char* const& What>
boost::test_tools::assertion_result can_hold(boost::unit_test::test_unit_id) {
    boost::test_tools::assertion_result result(private_network() && kernel_has(What));
    result.message() << "needs root, /dev/net/tun and a kernel that can " << What;
    return result;
}
constexpr const char* tbf = "tbf";
constexpr const char* police = "police";

unsigned make_bridge(const std::string& name) {
    const posix::Fd socket{::socket(AF_UNIX, SOCK_STREAM, 0)};
    if (!net::interface_index(name)) {
        BOOST_REQUIRE_EQUAL(::ioctl(socket.get(), SIOCBRADDBR, name.c_str()), 0);
    }
    return net::interface_index(name).value();
}

/// A field of `ip link` by ioctl, so that no tool is needed.
ifreq ask(const std::string& name, unsigned long what) {
    const posix::Fd socket{::socket(AF_INET, SOCK_DGRAM, 0)};
    ifreq request{};
    name.copy(request.ifr_name, IFNAMSIZ - 1);
    BOOST_REQUIRE_EQUAL(::ioctl(socket.get(), what, &request), 0);
    return request;
}

domain::TapPlan plan(const std::string& name, const std::string& bridge) {
    domain::TapPlan result;
    result.name = name;
    result.bridge = bridge;
    return result;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_tap_joins_its_bridge_and_goes_with_its_descriptor,
                     *boost::unit_test::precondition(has_private_network)) {
    make_bridge("br0");
    auto wanted = plan("mshv1.0", "br0");
    wanted.mtu = 1400;
    {
        const auto fd = net::open_tap(wanted);
        BOOST_TEST(net::interface_index("mshv1.0").has_value());
        BOOST_TEST(ask("mshv1.0", SIOCGIFMTU).ifr_mtu == 1400);
        BOOST_TEST((ask("mshv1.0", SIOCGIFFLAGS).ifr_flags & IFF_UP) != 0);
        // It forwards only through the bridge it is a port of; the kernel refuses a port as bridge.
        BOOST_TEST(!net::is_bridge("mshv1.0"));
    }
    BOOST_TEST(!net::interface_index("mshv1.0").has_value());
}

BOOST_AUTO_TEST_CASE(a_link_may_start_down, *boost::unit_test::precondition(has_private_network)) {
    make_bridge("br0");
    auto wanted = plan("mshv2.0", "br0");
    wanted.link_up = false;
    const auto fd = net::open_tap(wanted);
    BOOST_TEST((ask("mshv2.0", SIOCGIFFLAGS).ifr_flags & IFF_UP) == 0);
}

BOOST_AUTO_TEST_CASE(a_missing_bridge_is_named,
                     *boost::unit_test::precondition(has_private_network)) {
    const std::string text = error_of([] { net::open_tap(plan("mshv3.0", "nobridge")); });
    BOOST_TEST(text == "There is no bridge nobridge on this host");
    BOOST_TEST(!net::interface_index("mshv3.0").has_value());
}

BOOST_AUTO_TEST_CASE(an_interface_that_is_no_bridge_is_refused,
                     *boost::unit_test::precondition(has_private_network)) {
    const std::string text = error_of([] { net::open_tap(plan("mshv3.0", "lo")); });
    BOOST_TEST(text == "lo is an interface, but no bridge");
}

BOOST_AUTO_TEST_CASE(a_name_is_used_once, *boost::unit_test::precondition(has_private_network)) {
    make_bridge("br0");
    const auto fd = net::open_tap(plan("mshv4.0", "br0"));
    const std::string text = error_of([] { net::open_tap(plan("mshv4.0", "br0")); });
    BOOST_TEST(text.find("mshv4.0") != std::string::npos);
    BOOST_TEST(net::interface_index("mshv4.0").has_value());
}

BOOST_AUTO_TEST_CASE(a_name_that_does_not_fit_is_refused) {
    BOOST_TEST(!error_of([] { net::open_tap(plan("a-name-of-16-byte", "br0")); }).empty());
    BOOST_TEST(!error_of([] { net::open_tap(plan("", "br0")); }).empty());
}

BOOST_AUTO_TEST_CASE(what_goes_to_the_guest_is_held_to_its_rate,
                     *boost::unit_test::precondition(can_hold<tbf>)) {
    const Alone tap("mshv5.0");
    domain::TapPlan wanted;
    wanted.inbound = api::NicRate{12'500, 25'000, 1024};
    net::hold_to_rates(tap.index, wanted);
    const auto has = asked({"tc", "-j", "qdisc", "show", "dev", "mshv5.0"});
    for (const char* part :
         {R"("kind":"tbf")", R"("root":true)", R"("rate":12500000)", R"("burst":10485)"}) {
        BOOST_TEST(has.find(part) != std::string::npos, part << " in " << has);
    }
    // Its JSON leaves the peak out.
    const auto words = asked({"tc", "qdisc", "show", "dev", "mshv5.0"});
    BOOST_TEST(words.find("peakrate 200Mbit") != std::string::npos, words);
    // In a field of 32 bits it would be another.
    const Alone fast("mshv6.0");
    wanted.inbound = api::NicRate{10'000'000, 0, 0};
    net::hold_to_rates(fast.index, wanted);
    const auto more = asked({"tc", "-j", "qdisc", "show", "dev", "mshv6.0"});
    BOOST_TEST(more.find(R"("rate":10000000000)") != std::string::npos, more);
    BOOST_TEST(more.find("minburst") == std::string::npos, more);
}

BOOST_AUTO_TEST_CASE(what_comes_from_the_guest_is_held_to_its_rate,
                     *boost::unit_test::precondition(can_hold<police>)) {
    const Alone tap("mshv7.0");
    domain::TapPlan wanted;
    wanted.outbound = api::NicRate{1000, 2000, 512};
    net::hold_to_rates(tap.index, wanted);
    BOOST_TEST(asked({"tc", "-j", "qdisc", "show", "dev", "mshv7.0"}).find(R"("ingress")") !=
               std::string::npos);
    const auto has = asked({"tc", "filter", "show", "dev", "mshv7.0", "ingress"});
    for (const char* part :
         {"matchall", "rate 8Mbit", "burst 512K", "peakrate 16Mbit", "action drop"}) {
        BOOST_TEST(has.find(part) != std::string::npos, part << " in " << has);
    }
}

boost::test_tools::assertion_result bridges_filter(boost::unit_test::test_unit_id) {
    boost::test_tools::assertion_result result(private_network());
    if (result) {
        make_bridge("br-probe");
        (void)asked({"ip", "link", "set", "br-probe", "type", "bridge", "vlan_filtering", "1"});
        result = net::vlans_of(net::interface_index("br-probe").value()).filters;
    }
    result.message() << "needs root, /dev/net/tun and a kernel whose bridges filter VLANs";
    return result;
}

BOOST_AUTO_TEST_CASE(a_tap_is_in_its_vlan_and_no_other,
                     *boost::unit_test::precondition(bridges_filter)) {
    make_bridge("br5");
    auto wanted = plan("mshv8.0", "br5");
    wanted.vlan = 42;
    BOOST_TEST(error_of([&] { net::open_tap(wanted); }) ==
               "Bridge br5 does not filter VLANs, which <vlan> needs");
    BOOST_TEST(!net::interface_index("mshv8.0").has_value());
    (void)asked({"ip", "link", "set", "br5", "type", "bridge", "vlan_filtering", "1"});
    wanted.inbound = api::NicRate{1000, 0, 0};
    const auto fd = net::open_tap(wanted);
    const auto has = asked({"bridge", "-j", "vlan", "show", "dev", "mshv8.0"});
    BOOST_TEST(has.find(R"("vlan":42,"flags":["PVID","Egress Untagged"])") != std::string::npos,
               has);
    BOOST_TEST(has.find(R"("vlan":1,)") == std::string::npos, has);
    BOOST_TEST(asked({"tc", "-j", "qdisc", "show", "dev", "mshv8.0"}).find("tbf") !=
               std::string::npos);
}
