// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/http/server.hpp"

#include "toolstack/libs/http/connection.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <iterator>
#include <poll.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace mshv::http {
namespace {

posix::Fd open_spare() {
    return posix::Fd{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
}

} // namespace

Server::Server(posix::Fd listener, Handler& handler, Limits limits)
    : handler_(handler), limits_(limits), listener_(std::move(listener)), spare_(open_spare()) {
    posix::set_nonblocking(listener_.get(), true);
    acceptor_ = std::thread([this] { accept_loop(); });
}

Server::~Server() {
    stop(posix::Deadline::after(std::chrono::seconds(5)));
}

std::size_t Server::connections() const {
    const posix::Lock lock(mutex_);
    return sessions_.size();
}

void Server::stop(posix::Deadline grace) {
    {
        const posix::Lock lock(mutex_);
        stopping_ = true;
        // Who waits for a request sees the end of its stream; who answers can still write.
        for (const auto& session : sessions_) {
            ::shutdown(session.socket.get(), SHUT_RD);
        }
    }
    stop_accepting_.signal();
    if (acceptor_.joinable()) {
        acceptor_.join();
    }
    listener_.reset();
    posix::Lock lock(mutex_);
    while (!sessions_.empty() && !grace.expired()) {
        session_ended_.wait_until(lock, grace.point());
    }
    for (const auto& session : sessions_) {
        ::shutdown(session.socket.get(), SHUT_RDWR);
    }
    while (!sessions_.empty()) {
        session_ended_.wait(lock);
    }
    std::thread last = std::move(last_ended_);
    lock.unlock();
    if (last.joinable()) {
        last.join();
    }
}

void Server::accept_loop() noexcept {
    for (;;) {
        std::array<pollfd, 2> entries{
            {{listener_.get(), POLLIN, 0}, {stop_accepting_.fd(), POLLIN, 0}}};
        if (::poll(entries.data(), entries.size(), -1) < 0) {
            continue; // EINTR is all that can be here
        }
        if (entries[1].revents != 0) {
            return;
        }
        while (accept_one()) {
        }
    }
}

/// False when nobody waits any more.
bool Server::accept_one() {
    try {
        posix::Fd socket = posix::accept_unix(listener_.get());
        if (!socket) {
            return false;
        }
        admit_connection(std::move(socket));
        return true;
    } catch (const std::system_error&) {
        // Descriptors, memory or threads have run out. The queue must be emptied nevertheless, or
        // poll would report it again and again.
        shed_one();
        return false;
    }
}

void Server::shed_one() {
    spare_.reset();
    const posix::Fd dropped{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    if (dropped) {
        refuse(dropped, 503, "the daemon has no descriptors left");
    }
    spare_ = open_spare();
}

void Server::admit_connection(posix::Fd socket) {
    posix::PeerCredentials peer = posix::peer_credentials(socket.get());
    const posix::Lock lock(mutex_);
    if (stopping_) {
        return;
    }
    const auto of_uid = static_cast<std::size_t>(
        std::count_if(sessions_.begin(), sessions_.end(),
                      [&](const Session& session) { return session.peer.uid == peer.uid; }));
    if (sessions_.size() >= limits_.connections ||
        (peer.uid != 0 && of_uid >= limits_.connections_per_uid)) {
        refuse(socket, 503, "too many connections");
        return;
    }
    sessions_.push_back(Session{std::move(socket), std::move(peer), {}});
    const auto session = std::prev(sessions_.end());
    try {
        session->thread = std::thread([this, session] { serve(session); });
    } catch (const std::system_error&) {
        refuse(session->socket, 503, "the daemon has no threads left");
        sessions_.erase(session);
    }
}

void Server::refuse(const posix::Fd& socket, int status, std::string_view why) noexcept {
    try {
        send_response(socket.get(), handler_.failure(status, why), false, true,
                      posix::Deadline::after(std::chrono::milliseconds(0)));
    } catch (const std::exception&) { // NOLINT(bugprone-empty-catch): the peer gets what fits
    }
}

void Server::serve(Sessions::iterator session) noexcept {
    {
        // The acceptor holds the mutex until the session is complete.
        const posix::Lock lock(mutex_);
    }
    try {
        Connection connection(session->socket.get(), session->peer, handler_, limits_, [&] {
            const posix::Lock lock(mutex_);
            return std::move(session->socket);
        });
        connection.run();
    } catch (const std::exception&) { // NOLINT(bugprone-empty-catch): the peer is gone
    }
    std::thread before;
    {
        const posix::Lock lock(mutex_);
        before = std::move(last_ended_);
        last_ended_ = std::move(session->thread);
        sessions_.erase(session);
        session_ended_.notify_all();
    }
    if (before.joinable()) {
        before.join();
    }
}

} // namespace mshv::http
