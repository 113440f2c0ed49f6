// SPDX-License-Identifier: Apache-2.0
#include "daemon/net/neighbours.hpp"

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string>
#include <sys/socket.h>
#include <system_error>

using namespace mshv::net;

namespace {

std::string attribute(unsigned short type, const std::string& value) {
    rtattr header{};
    header.rta_type = type;
    header.rta_len = static_cast<unsigned short>(RTA_LENGTH(value.size()));
    std::string text(reinterpret_cast<const char*>(&header), sizeof header);
    text += value;
    text.resize(RTA_ALIGN(text.size()));
    return text;
}

std::string message(unsigned short type, const std::string& body) {
    nlmsghdr header{};
    header.nlmsg_type = type;
    header.nlmsg_len = static_cast<unsigned>(NLMSG_LENGTH(body.size()));
    std::string text(reinterpret_cast<const char*>(&header), sizeof header);
    text += body;
    text.resize(NLMSG_ALIGN(text.size()));
    return text;
}

std::string entry(unsigned char family, unsigned short state, const std::string& attributes) {
    ndmsg header{};
    header.ndm_family = family;
    header.ndm_ifindex = 7;
    header.ndm_state = state;
    return message(RTM_NEWNEIGH,
                   std::string(reinterpret_cast<const char*>(&header), sizeof header) + attributes);
}

const std::string mac("\x52\x54\x00\xab\xcd\xef", 6);

} // namespace

BOOST_AUTO_TEST_CASE(entries_that_were_answered_are_read) {
    const auto four = attribute(NDA_DST, std::string("\x0a\x00\x02\x0f", 4));
    const auto six =
        attribute(NDA_DST, std::string("\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x01", 16));
    const auto link = attribute(NDA_LLADDR, mac);
    bool ended = false;
    const auto dump = entry(AF_INET, NUD_STALE, four + link) +
                      entry(AF_INET6, NUD_REACHABLE, link + six) +
                      entry(AF_INET, NUD_FAILED, four + link) +
                      entry(AF_INET, NUD_REACHABLE, four) + // without a MAC
                      entry(AF_INET6, NUD_REACHABLE, four + link);
    const auto found = read_neighbours(dump, ended);
    BOOST_TEST(!ended);
    BOOST_REQUIRE(found.size() == 2U);
    BOOST_TEST(found[0].interface == 7U);
    BOOST_TEST(found[0].mac == "52:54:00:ab:cd:ef");
    BOOST_TEST(found[0].address == "10.0.2.15");
    BOOST_TEST(found[1].address == "fe80::1");
    BOOST_TEST(read_neighbours(message(NLMSG_DONE, std::string(4, '\0')), ended).empty());
    BOOST_TEST(ended);
}

BOOST_AUTO_TEST_CASE(a_message_that_ends_too_early_is_refused) {
    bool ended = false;
    const auto whole = entry(AF_INET, NUD_STALE, attribute(NDA_LLADDR, mac));
    BOOST_CHECK_THROW((void)read_neighbours(std::string_view(whole).substr(0, 20), ended),
                      std::system_error);
}

BOOST_AUTO_TEST_CASE(the_kernel_lists_its_own) {
    for (const auto& found : neighbours()) {
        BOOST_TEST(found.mac.size() == 17U);
        BOOST_TEST(!found.address.empty());
    }
}
