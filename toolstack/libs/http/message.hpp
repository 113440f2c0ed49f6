// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/posix/fd.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace mshv::http {

/// Names are in lower case.
using Headers = std::vector<std::pair<std::string, std::string>>;

/// The first one called `name` (lower case); null when there is none.
const std::string* find_header(const Headers& headers, std::string_view name);

/// What a peer sent is no request that may be answered in any way but `status`, after which the
/// connection is closed.
class BadMessage : public std::runtime_error {
public:
    BadMessage(int status, const std::string& why) : std::runtime_error(why), status_(status) {}
    [[nodiscard]] int status() const { return status_; }

private:
    int status_;
};

/// A request's target, decoded.
struct Target {
    std::vector<std::string> segments; ///< of the path, each percent-decoded by itself
    std::map<std::string, std::string> query;
};

/// Throws BadMessage for what is no plain absolute path with an optional query: a bad escape, a
/// control character or NUL, an empty segment, `.` or `..`, a repeated key. '+' is itself, not a
/// space.
Target parse_target(std::string_view text);

/// `text` with everything but unreserved characters as %XX.
std::string percent_encode(std::string_view text);

/// A request but for its body: what it is authorised by.
struct Head {
    std::string method;
    Target target;
    Headers headers;
    bool keep_alive = true;
    bool expects_continue = false;
    std::uint64_t content_length = 0;
};

struct Request : Head {
    std::string body;
};

/// A file whose first `size` bytes are sent as a part of a body.
struct FilePart {
    posix::Fd fd;
    std::uint64_t size = 0;
};

struct Response {
    int status = 200;
    std::string content_type = "application/json";
    Headers headers; ///< beyond Content-Type, Content-Length and Connection
    std::string body;
    std::vector<FilePart> files; ///< sent behind `body`
};

/// What takes a connection over. `early` is what the client sent behind its head. The answer to the
/// upgrade is the callee's; if it cannot, it returns a Response, which is sent and the connection
/// closed. It runs on the connection's thread and should only hand the socket on.
struct Upgrade {
    std::function<std::optional<Response>(posix::Fd socket, std::string early)> take;
};

using Answer = std::variant<Response, Upgrade>;

std::string_view status_text(int status);

} // namespace mshv::http
