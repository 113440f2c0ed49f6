// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/http/message.hpp"
#include "toolstack/libs/posix/deadline.hpp"

#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>

namespace mshv::http {

/// Nobody answers at the socket, or the answer broke off. `hint` is what the user can do.
class Unreachable : public std::runtime_error {
public:
    Unreachable(const std::string& what, std::string hint, bool sent)
        : std::runtime_error(what), hint_(std::move(hint)), sent_(sent) {}
    [[nodiscard]] const std::string& hint() const { return hint_; }
    /// True when the request had left, so that it may have been carried out.
    [[nodiscard]] bool sent() const { return sent_; }

private:
    std::string hint_;
    bool sent_;
};

struct ClientRequest {
    std::string method = "GET";
    std::string target; ///< encoded already: percent_encode() for its parts
    std::string body;   ///< sent as application/json
};

struct ClientResponse {
    int status = 0;
    Headers headers;
    std::string body;
};

/// An upgraded connection, and what the peer sent behind its answer.
struct Upgraded {
    posix::Fd socket;
    std::string early;
};

/// One connection, opened when it is first needed and kept. Not thread-safe. Throws Unreachable,
/// posix::TimedOut, and BadMessage for an answer that is no HTTP; after any throw the next request
/// opens a new connection.
class Client {
public:
    explicit Client(std::string socket_path) : path_(std::move(socket_path)) {}

    /// A GET on a kept connection that the daemon closed meanwhile is sent once more on a new one.
    ClientResponse send(const ClientRequest& request, posix::Deadline deadline);

    /// As send, but a 200's body goes to `sink` piece by piece, whatever its size.
    ClientResponse send(const ClientRequest& request, posix::Deadline deadline,
                        const std::function<void(std::string_view)>& sink);

    /// Asks for `protocol`; a refusal is the answer itself.
    std::variant<Upgraded, ClientResponse>
    upgrade(std::string_view target, std::string_view protocol, posix::Deadline deadline);

private:
    struct Received;
    void connect(posix::Deadline deadline);
    void write(std::string_view bytes, posix::Deadline deadline);
    std::size_t receive(posix::Deadline deadline);
    [[nodiscard]] bool went_stale() const;
    Received read_head(posix::Deadline deadline);
    ClientResponse read_answer(posix::Deadline deadline,
                               const std::function<void(std::string_view)>* sink);
    ClientResponse exchange(const ClientRequest& request, posix::Deadline deadline,
                            const std::function<void(std::string_view)>* sink);

    std::string path_;
    posix::Fd socket_;
    std::string buffer_;
    bool answered_ = false; ///< has a byte of the present answer come?
};

} // namespace mshv::http
