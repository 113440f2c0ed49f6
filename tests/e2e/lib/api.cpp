// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/lib/api.hpp"

#include "toolstack/libs/posix/file.hpp"
#include "toolstack/libs/posix/socket.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <stdexcept>

namespace mshv::e2e {
namespace {

constexpr std::size_t longest_answer = 64 << 20;

std::string read_to_end(int socket, posix::Deadline deadline) {
    std::string text;
    std::array<char, 65536> buffer{};
    for (;;) {
        const auto n = posix::read_some(socket, buffer, deadline, "the daemon's answer");
        if (n == 0) {
            return text;
        }
        text.append(buffer.data(), n);
        if (text.size() > longest_answer) {
            throw std::runtime_error("the daemon's answer does not end");
        }
    }
}

/// The body of `text`, whose chunks are joined where it is chunked.
std::string body_of(std::string_view head, std::string_view body) {
    if (head.find("chunked") == std::string_view::npos) {
        return std::string(body);
    }
    std::string joined;
    while (!body.empty()) {
        const auto line = body.find("\r\n");
        const auto size = std::strtoul(std::string(body.substr(0, line)).c_str(), nullptr, 16);
        if (line == std::string_view::npos || size == 0) {
            break;
        }
        joined += body.substr(line + 2, size);
        body.remove_prefix(std::min(body.size(), line + 2 + size + 2));
    }
    return joined;
}

} // namespace

std::string raw_exchange(const std::string& socket, std::string_view request,
                         posix::Deadline deadline) {
    const auto connection = posix::connect_unix(socket, deadline);
    posix::write_all(connection.get(), request, deadline, "send the request");
    return read_to_end(connection.get(), deadline);
}

Response http(const std::string& socket, std::string_view method, std::string_view target,
              std::string_view body, posix::Deadline deadline) {
    std::string request;
    request.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: mshv\r\n");
    request += "Connection: close\r\n";
    if (!body.empty() || method == "POST") {
        request +=
            "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
            "\r\n";
    }
    request.append("\r\n").append(body);
    const auto answer = raw_exchange(socket, request, deadline);
    const auto end = answer.find("\r\n\r\n");
    if (!answer.starts_with("HTTP/1.1 ") || end == std::string::npos) {
        throw std::runtime_error("no HTTP answer: " + answer.substr(0, 500));
    }
    return {std::atoi(answer.c_str() + 9), body_of(answer.substr(0, end), answer.substr(end + 4))};
}

std::string read_head(int socket, posix::Deadline deadline) {
    std::string head;
    while (!head.ends_with("\r\n\r\n")) {
        char byte = 0;
        if (posix::read_some(socket, {&byte, 1}, deadline, "the head of the answer") == 0) {
            throw std::runtime_error("the answer ended in its head: " + head);
        }
        head += byte;
    }
    return head;
}

} // namespace mshv::e2e
