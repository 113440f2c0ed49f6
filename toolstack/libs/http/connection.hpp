// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/http/server.hpp"

#include <functional>
#include <string>

// Internal to libs/http.

namespace mshv::http {

/// Sends one answer; `keep_alive` decides the Connection header, `with_body` is false for HEAD.
void send_response(int socket, const Response& response, bool keep_alive, bool with_body,
                   posix::Deadline deadline);

/// One connection, driven by its thread.
class Connection {
public:
    /// `release` takes the socket out of the server's hands for an upgrade.
    Connection(int socket, const posix::PeerCredentials& peer, Handler& handler,
               const Limits& limits, std::function<posix::Fd()> release)
        : socket_(socket), peer_(peer), handler_(handler), limits_(limits),
          release_(std::move(release)) {}

    /// Serves requests until the connection ends. Throws std::system_error or posix::TimedOut when
    /// the peer is gone.
    void run();

private:
    bool serve_one();
    bool wait_for_first_byte();
    Head read_head();
    void read_body(Request& request, std::size_t limit);
    bool upgrade(Upgrade& upgrade);
    std::size_t receive(posix::Deadline deadline);
    void fail(int status, std::string_view why);
    void drain() noexcept;

    int socket_;
    const posix::PeerCredentials& peer_;
    Handler& handler_;
    const Limits& limits_;
    std::function<posix::Fd()> release_;
    std::string buffer_; ///< received and not yet used
    bool first_ = true;
};

} // namespace mshv::http
