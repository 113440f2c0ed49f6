// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/posix/deadline.hpp"
#include "toolstack/libs/posix/fd.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace mshv::e2e {

struct Response {
    int status = 0;
    std::string body;
};

/// One HTTP request on a connection of its own, written by hand so that a fault which client and
/// daemon share does not hide. Throws when no answer comes.
Response http(const std::string& socket, std::string_view method, std::string_view target,
              std::string_view body = {},
              posix::Deadline deadline = posix::Deadline::after(std::chrono::seconds(60)));

/// Sends `request` as it stands and returns everything that comes back.
std::string raw_exchange(const std::string& socket, std::string_view request,
                         posix::Deadline deadline);

/// The head of an answer (up to the empty line), read byte by byte so that nothing behind it is
/// taken from the socket.
std::string read_head(int socket, posix::Deadline deadline);

} // namespace mshv::e2e
