// SPDX-License-Identifier: Apache-2.0
#include "daemon/net/message.hpp"

#include "toolstack/libs/posix/fd.hpp"

#include <algorithm>
#include <cerrno>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <system_error>
#include <utility>

namespace mshv::net {
namespace {

constexpr std::size_t longest_answer = 32UL * 1024;

/// The kernel's answer, header and all.
std::string exchange(Message message, const char* what) {
    const posix::Fd socket{
        posix::check(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), "netlink")};
    const auto bytes = message.finish();
    sockaddr_nl kernel{};
    kernel.nl_family = AF_NETLINK;
    posix::check(::sendto(socket.get(), bytes.data(), bytes.size(), 0,
                          reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel),
                 "netlink request");
    std::string answer(longest_answer, '\0');
    // The kernel has answered by the time sendto returns; the deadline only guards against
    // surprise.
    answer.resize(posix::read_some(socket.get(), answer,
                                   posix::Deadline::after(std::chrono::seconds(5)), "netlink"));
    nlmsghdr header{};
    if (answer.size() < sizeof header) {
        throw std::system_error(EPROTO, std::generic_category(), what);
    }
    std::memcpy(&header, answer.data(), sizeof header);
    if (header.nlmsg_type != NLMSG_ERROR) {
        return answer;
    }
    nlmsgerr result{};
    if (answer.size() < NLMSG_LENGTH(sizeof result)) {
        throw std::system_error(EPROTO, std::generic_category(), what);
    }
    std::memcpy(&result, answer.data() + NLMSG_HDRLEN, sizeof result);
    if (result.error != 0) {
        throw std::system_error(-result.error, std::generic_category(), what);
    }
    return {};
}

} // namespace

Message& Message::add(unsigned type, std::string_view bytes) {
    rtattr attribute{};
    attribute.rta_type = static_cast<unsigned short>(type);
    attribute.rta_len = static_cast<unsigned short>(RTA_LENGTH(bytes.size()));
    const std::size_t at = bytes_.size();
    bytes_.resize(at + RTA_SPACE(bytes.size()));
    std::memcpy(bytes_.data() + at, &attribute, sizeof attribute);
    if (!bytes.empty()) {
        std::memcpy(bytes_.data() + at + RTA_LENGTH(0), bytes.data(), bytes.size());
    }
    return *this;
}

std::size_t Message::open(unsigned type) {
    const std::size_t at = bytes_.size();
    add(type | NLA_F_NESTED, std::string_view());
    return at;
}

void Message::close(std::size_t opened) {
    const auto length = static_cast<unsigned short>(bytes_.size() - opened);
    std::memcpy(bytes_.data() + opened + offsetof(rtattr, rta_len), &length, sizeof length);
}

std::string_view Message::finish() {
    const auto length = static_cast<std::uint32_t>(bytes_.size());
    std::memcpy(bytes_.data() + offsetof(nlmsghdr, nlmsg_len), &length, sizeof length);
    return {bytes_.data(), bytes_.size()};
}

void change(Message message, const char* what) {
    if (!exchange(std::move(message), what).empty()) {
        throw std::system_error(EPROTO, std::generic_category(), what);
    }
}

std::string ask(Message message, const char* what) {
    std::string answer = exchange(std::move(message), what);
    if (answer.size() < NLMSG_HDRLEN) {
        throw std::system_error(EPROTO, std::generic_category(), what);
    }
    return answer.substr(NLMSG_HDRLEN);
}

std::optional<std::string_view> attribute(std::string_view attributes, unsigned type) {
    while (attributes.size() >= sizeof(rtattr)) {
        rtattr each{};
        std::memcpy(&each, attributes.data(), sizeof each);
        if (each.rta_len < sizeof each || each.rta_len > attributes.size()) {
            return std::nullopt;
        }
        if ((each.rta_type & NLA_TYPE_MASK) == type) {
            return attributes.substr(RTA_LENGTH(0), each.rta_len - RTA_LENGTH(0));
        }
        attributes.remove_prefix(std::min<std::size_t>(RTA_ALIGN(each.rta_len), attributes.size()));
    }
    return std::nullopt;
}

} // namespace mshv::net
