// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <linux/netlink.h>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mshv::net {

/// An rtnetlink request under construction: a header of its kind, and attributes, which may hold
/// others.
class Message {
public:
    /// `flags` beside NLM_F_REQUEST.
    template <typename Header>
    Message(std::uint16_t type, unsigned flags, const Header& header)
        : bytes_(NLMSG_SPACE(sizeof header)) {
        nlmsghdr start{};
        start.nlmsg_len = NLMSG_LENGTH(sizeof header);
        start.nlmsg_type = type;
        start.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
        start.nlmsg_seq = 1;
        std::memcpy(bytes_.data(), &start, sizeof start);
        std::memcpy(bytes_.data() + NLMSG_HDRLEN, &header, sizeof header);
    }

    template <typename T>
    Message& add(unsigned type, const T& value) {
        return add(type, std::string_view(reinterpret_cast<const char*>(&value), sizeof value));
    }
    Message& add(unsigned type, std::string_view bytes);
    /// A NUL-terminated word.
    Message& add_word(unsigned type, const char* word) {
        return add(type, std::string_view(word, std::strlen(word) + 1));
    }

    /// An attribute that holds those that are added until it is closed.
    std::size_t open(unsigned type);
    void close(std::size_t opened);

    /// With its length in its header.
    [[nodiscard]] std::string_view finish();

private:
    std::vector<char> bytes_;
};

/// Does what the message says. Throws std::system_error with the kernel's errno.
void change(Message message, const char* what);
/// The kernel's answer to a question about one thing, from its own header on. Throws likewise.
std::string ask(Message message, const char* what);

/// The bytes of the first attribute of this type among `attributes`.
std::optional<std::string_view> attribute(std::string_view attributes, unsigned type);

} // namespace mshv::net
