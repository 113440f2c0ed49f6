// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/http/connection.hpp"

#include "toolstack/libs/http/head.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

namespace mshv::http {
namespace {

using posix::Deadline;

std::string render_head(const Response& response, std::uint64_t length, bool keep_alive) {
    std::string head;
    head.reserve(256);
    head += "HTTP/1.1 ";
    head += std::to_string(response.status);
    head += ' ';
    head += status_text(response.status);
    head += "\r\nContent-Type: ";
    head += response.content_type;
    head += "\r\nContent-Length: ";
    head += std::to_string(length);
    for (const auto& [name, value] : response.headers) {
        head += "\r\n";
        head += name;
        head += ": ";
        head += value;
    }
    head += keep_alive ? "\r\n\r\n" : "\r\nConnection: close\r\n\r\n";
    return head;
}

/// Both in one system call where they fit, so that the peer wakes once.
void send_two(int socket, std::string_view first, std::string_view second, Deadline deadline) {
    std::array<iovec, 2> pieces{{{const_cast<char*>(first.data()), first.size()},
                                 {const_cast<char*>(second.data()), second.size()}}};
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = second.empty() ? 1 : 2;
    const ssize_t sent = ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        posix::throw_errno("send answer");
    }
    auto done = static_cast<std::size_t>(std::max<ssize_t>(sent, 0));
    const std::size_t of_first = std::min(done, first.size());
    posix::write_all(socket, first.substr(of_first), deadline, "send answer");
    posix::write_all(socket, second.substr(done - of_first), deadline, "send answer");
}

void send_file(int socket, const FilePart& part, Deadline deadline) {
    std::array<char, 65536> block{};
    std::uint64_t offset = 0;
    while (offset < part.size) {
        const auto wanted = std::min<std::uint64_t>(block.size(), part.size - offset);
        const ssize_t got = posix::check(
            ::pread(part.fd.get(), block.data(), wanted, static_cast<off_t>(offset)), "read file");
        // The promised length must come: a file that shrank meanwhile is filled up.
        const auto size =
            got == 0 ? static_cast<std::size_t>(wanted) : static_cast<std::size_t>(got);
        if (got == 0) {
            std::fill_n(block.data(), size, '\0');
        }
        posix::write_all(socket, {block.data(), size}, deadline, "send answer");
        offset += size;
    }
}

} // namespace

void send_response(int socket, const Response& response, bool keep_alive, bool with_body,
                   Deadline deadline) {
    std::uint64_t length = response.body.size();
    for (const auto& part : response.files) {
        length += part.size;
    }
    const std::string head = render_head(response, length, keep_alive);
    send_two(socket, head, with_body ? std::string_view(response.body) : "", deadline);
    if (with_body) {
        for (const auto& part : response.files) {
            send_file(socket, part, deadline);
        }
    }
}

void Connection::run() {
    while (serve_one()) {
        first_ = false;
    }
}

bool Connection::serve_one() {
    if (!wait_for_first_byte()) {
        return false;
    }
    Request request;
    try {
        static_cast<Head&>(request) = read_head();
        auto admission = handler_.admit(request, peer_);
        if (auto* refusal = std::get_if<Response>(&admission)) {
            // With an unread body behind it the connection cannot go on.
            const bool keep = request.keep_alive && request.content_length == 0;
            send_response(socket_, *refusal, keep, request.method != "HEAD",
                          Deadline::after(limits_.write_time));
            if (!keep) {
                drain();
            }
            return keep;
        }
        read_body(request, std::get<Handler::Admitted>(admission).body_limit);
    } catch (const BadMessage& bad) {
        fail(bad.status(), bad.what());
        return false;
    } catch (const posix::TimedOut& late) {
        fail(408, late.what());
        return false;
    }
    Answer answer = [&]() -> Answer {
        try {
            return handler_.handle(request, peer_);
        } catch (const std::exception& error) {
            return handler_.failure(500, error.what());
        }
    }();
    if (auto* taken = std::get_if<Upgrade>(&answer)) {
        return upgrade(*taken);
    }
    send_response(socket_, std::get<Response>(answer), request.keep_alive, request.method != "HEAD",
                  Deadline::after(limits_.write_time));
    return request.keep_alive;
}

bool Connection::wait_for_first_byte() {
    if (!buffer_.empty()) {
        return true;
    }
    const auto span = first_ ? limits_.head_time : limits_.idle_time;
    try {
        return receive(Deadline::after(span)) != 0;
    } catch (const posix::TimedOut&) {
        return false; // nothing was asked: nothing to answer
    }
}

Head Connection::read_head() {
    const auto deadline = Deadline::after(limits_.head_time);
    std::size_t scanned = 0;
    for (;;) {
        if (const auto length = find_head(buffer_, scanned, limits_.head_bytes)) {
            Head head = parse_request_head(std::string_view(buffer_).substr(0, *length));
            buffer_.erase(0, *length);
            return head;
        }
        if (receive(deadline) == 0) {
            throw BadMessage(400, "the connection ended within the head");
        }
    }
}

void Connection::read_body(Request& request, std::size_t limit) {
    if (request.content_length > limit) {
        throw BadMessage(413, "body longer than " + std::to_string(limit) + " bytes");
    }
    const auto length = static_cast<std::size_t>(request.content_length);
    const auto deadline = Deadline::after(limits_.body_time);
    if (request.expects_continue && buffer_.size() < length) {
        posix::write_all(socket_, "HTTP/1.1 100 Continue\r\n\r\n", deadline, "send answer");
    }
    while (buffer_.size() < length) {
        if (receive(deadline) == 0) {
            throw BadMessage(400, "the connection ended within the body");
        }
    }
    request.body = buffer_.substr(0, length);
    buffer_.erase(0, length);
}

/// A duplicate stays here until the callee has taken the socket, to answer on if it could not.
bool Connection::upgrade(Upgrade& upgrade) {
    posix::Fd socket = release_();
    const posix::Fd kept = socket.duplicate();
    socket_ = kept.get();
    std::optional<Response> refusal;
    try {
        refusal = upgrade.take(std::move(socket), std::move(buffer_));
    } catch (const std::exception& error) {
        refusal = handler_.failure(500, error.what());
    }
    if (refusal) {
        send_response(socket_, *refusal, false, true, Deadline::after(limits_.write_time));
    }
    return false;
}

std::size_t Connection::receive(Deadline deadline) {
    std::array<char, 16384> block; // NOLINT(cppcoreguidelines-init-variables): filled by recv
    for (;;) {
        posix::wait_for(socket_, POLLIN, deadline, "receive request");
        const ssize_t got = ::recv(socket_, block.data(), block.size(), MSG_DONTWAIT);
        if (got >= 0) {
            buffer_.append(block.data(), static_cast<std::size_t>(got));
            return static_cast<std::size_t>(got);
        }
        if (errno == ECONNRESET) {
            return 0;
        }
        if (errno != EAGAIN && errno != EINTR) {
            posix::throw_errno("receive request");
        }
    }
}

void Connection::fail(int status, std::string_view why) {
    send_response(socket_, handler_.failure(status, why), false, true,
                  Deadline::after(std::chrono::seconds(1)));
    drain();
}

/// Closing a socket with unread bytes resets it, and the peer may lose the answer: what has come
/// already is read away first, a bounded amount and without waiting.
void Connection::drain() noexcept {
    ::shutdown(socket_, SHUT_WR);
    std::array<char, 16384> block{};
    for (int i = 0; i < 64; ++i) {
        if (::recv(socket_, block.data(), block.size(), MSG_DONTWAIT) <= 0) {
            return;
        }
    }
}

} // namespace mshv::http
