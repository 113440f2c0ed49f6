// SPDX-License-Identifier: Apache-2.0
#include "daemon/net/netlink.hpp"
#include "daemon/net/tap.hpp"
#include "tests/unit/api/thrown.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <boost/test/unit_test.hpp>
#include <cstring>
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
