// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "toolstack/libs/http/message.hpp"
#include "toolstack/libs/posix/fd.hpp"
#include "toolstack/libs/posix/mutex.hpp"
#include "toolstack/libs/posix/socket.hpp"

#include <chrono>
#include <cstddef>
#include <list>
#include <string_view>
#include <thread>
#include <variant>

namespace mshv::http {

/// What a peer may take of this process.
struct Limits {
    std::size_t connections = 64;         ///< at one time; one more gets 503
    std::size_t connections_per_uid = 48; ///< uid 0 is exempt
    std::size_t head_bytes = 8192;
    std::chrono::milliseconds head_time{5'000};   ///< for the whole head, from its first byte
    std::chrono::milliseconds body_time{30'000};  ///< for the whole body
    std::chrono::milliseconds write_time{30'000}; ///< for an answer
    std::chrono::milliseconds idle_time{120'000}; ///< between two requests of a connection
};

/// Who answers. Called on the connections' threads, at the same time.
class Handler {
public:
    virtual ~Handler() = default;

    /// How many bytes the body may have.
    struct Admitted {
        std::size_t body_limit = 0;
    };
    /// Decides by peer, method and target, before a byte of the body is read.
    virtual std::variant<Admitted, Response> admit(const Head& head,
                                                   const posix::PeerCredentials& peer) = 0;
    virtual Answer handle(Request& request, const posix::PeerCredentials& peer) = 0;
    /// The answer to what went wrong below: a malformed message, a limit, an exception of handle().
    virtual Response failure(int status, std::string_view why) = 0;
};

/// Accepts on a thread of its own and serves each connection on another.
class Server {
public:
    /// `handler` outlives the server. `listener` is listening already (posix::listen_unix, or one
    /// that the service manager passed).
    Server(posix::Fd listener, Handler& handler, Limits limits = {});
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server();

    /// Accepts no more, ends idle connections at once and the others when they have answered or at
    /// `grace`; returns when no thread is left. A handler that waits longer must be woken by its
    /// owner first. Idempotent.
    void stop(posix::Deadline grace);

    [[nodiscard]] std::size_t connections() const;

private:
    struct Session {
        posix::Fd socket; ///< closed or given away by the session's thread only, under mutex_
        posix::PeerCredentials peer;
        std::thread thread;
    };
    using Sessions = std::list<Session>;

    void accept_loop() noexcept;
    bool accept_one();
    void shed_one();
    void admit_connection(posix::Fd socket);
    void refuse(const posix::Fd& socket, int status, std::string_view why) noexcept;
    void serve(Sessions::iterator session) noexcept;

    Handler& handler_;
    const Limits limits_;
    posix::Fd listener_;
    posix::Fd spare_; ///< given up for a moment when descriptors run out
    posix::Wakeup stop_accepting_;

    mutable posix::Mutex mutex_;
    posix::Condition session_ended_;
    Sessions sessions_ MSHV_GUARDED_BY(mutex_);
    bool stopping_ MSHV_GUARDED_BY(mutex_) = false;
    /// Joined by the next session that ends, or by stop().
    std::thread last_ended_ MSHV_GUARDED_BY(mutex_);
    std::thread acceptor_;
};

} // namespace mshv::http
