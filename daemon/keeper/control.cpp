// SPDX-License-Identifier: Apache-2.0
#include "daemon/keeper/control.hpp"

#include "toolstack/libs/posix/socket.hpp"

#include <array>
#include <cerrno>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace mshv::keeper {

using posix::Deadline;

namespace {

/// Unsent answers and events of one daemon.
constexpr std::size_t most_output = 8 * 1024 * 1024;
constexpr std::size_t most_waiting_fds = 16;
constexpr std::size_t most_connections = 64;

} // namespace

struct Control::Connection {
    std::uint64_t number = 0;
    posix::Fd socket;
    LineBuffer input;
    std::deque<posix::Fd> fds;
    std::string output;
    bool dead = false;
    Watch watch; // last: it goes before the socket does
};

Control::Control(Loop& loop, posix::Fd listener, Handler handler)
    : loop_(loop), listener_(std::move(listener)), handler_(std::move(handler)),
      accept_again_(loop, [this] { watch_.change(EPOLLIN); }), sweep_(loop, [this] { sweep(); }) {
    posix::set_nonblocking(listener_.get(), true);
    watch_ = Watch(loop, listener_.get(), EPOLLIN, [this](std::uint32_t) { accept(); });
}

Control::~Control() = default;

void Control::accept() {
    posix::Fd socket;
    try {
        socket = posix::accept_unix(listener_.get());
        if (!socket) {
            return;
        }
        const auto peer = posix::peer_credentials(socket.get());
        if ((peer.uid != 0 && peer.uid != ::geteuid()) || connections_.size() >= most_connections) {
            return;
        }
    } catch (const std::system_error&) {
        // Out of descriptors: the waiting connection would wake us at once again.
        watch_.change(0);
        accept_again_.arm(Deadline::after(std::chrono::seconds(1)));
        return;
    }
    auto connection = std::make_unique<Connection>();
    connection->number = next_number_++;
    connection->socket = std::move(socket);
    Connection& entry = *connection;
    connections_.emplace(entry.number, std::move(connection));
    entry.watch = Watch(loop_, entry.socket.get(), EPOLLIN,
                        [this, &entry](std::uint32_t events) { on_io(entry, events); });
}

void Control::on_io(Connection& connection, std::uint32_t events) {
    bool alive = true;
    if ((events & EPOLLOUT) != 0) {
        alive = flush(connection);
    }
    if (alive && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
        alive = read(connection);
    }
    if (!alive) {
        connection.dead = true;
    }
    sweep();
}

/// Connections are destroyed here only, never while one of them is being served.
void Control::sweep() {
    std::erase_if(connections_, [](const auto& entry) { return entry.second->dead; });
}

bool Control::read(Connection& connection) {
    std::array<char, 16384> buffer; // NOLINT: filled by the receive
    std::vector<posix::Fd> fds;
    try {
        const auto got = posix::receive_with_fds(connection.socket.get(), buffer, fds,
                                                 Deadline::after(std::chrono::milliseconds(0)));
        if (got == 0) {
            return false;
        }
        for (auto& fd : fds) {
            connection.fds.push_back(std::move(fd));
        }
        if (connection.fds.size() > most_waiting_fds) {
            return false;
        }
        connection.input.append({buffer.data(), got});
        while (const auto line = connection.input.next()) {
            take(connection, *line);
        }
        return !connection.dead;
    } catch (const posix::TimedOut&) {
        return true;
    } catch (const std::system_error&) {
        return false;
    } catch (const ProtocolError&) {
        return false; // nothing after this can be understood
    }
}

void Control::take(Connection& connection, const std::string& line) {
    const Message request = decode(line);
    const Asker asker{connection.number, request.text("id")};
    try {
        handler_(asker, request, connection.fds);
    } catch (const ProtocolError& problem) {
        error(asker, "invalid", problem.what());
    } catch (const std::exception& problem) {
        error(asker, "failed", problem.what());
    }
}

void Control::answer(const Asker& asker, Message message) {
    const auto found = connections_.find(asker.connection);
    if (asker.id.empty() || found == connections_.end()) {
        return;
    }
    message.fields.insert(message.fields.begin(), {"id", asker.id});
    send(*found->second, encode(message));
}

void Control::error(const Asker& asker, std::string_view code, std::string_view text) {
    answer(asker, Message("error").set("code", code).set("message", text));
}

void Control::subscribe(const Asker& asker, const Journal& journal, std::int64_t since) {
    const auto before = connections_.find(subscriber_);
    if (before != connections_.end() && subscriber_ != asker.connection) {
        send(*before->second, "superseded\n");
    }
    subscriber_ = asker.connection;
    for (const auto& line : journal.kept()) {
        if (line.seq > since) {
            publish(line.text);
        }
    }
}

void Control::publish(const std::string& line) {
    const auto found = connections_.find(subscriber_);
    if (found != connections_.end()) {
        send(*found->second, line);
    }
}

void Control::send(Connection& connection, const std::string& line) {
    if (connection.dead) {
        return;
    }
    connection.output += line;
    if (connection.output.size() > most_output || !flush(connection)) {
        connection.dead = true;
        sweep_.arm(Deadline::after(std::chrono::milliseconds(0)));
    }
}

bool Control::flush(Connection& connection) {
    while (!connection.output.empty()) {
        const auto sent = ::send(connection.socket.get(), connection.output.data(),
                                 connection.output.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0 && errno != EAGAIN) {
            return false;
        }
        if (sent < 0) {
            break;
        }
        connection.output.erase(0, static_cast<std::size_t>(sent));
    }
    connection.watch.change(connection.output.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT);
    return true;
}

} // namespace mshv::keeper
