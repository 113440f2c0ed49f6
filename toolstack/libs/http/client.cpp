// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/http/client.hpp"

#include "toolstack/libs/http/head.hpp"
#include "toolstack/libs/posix/socket.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <poll.h>
#include <sys/socket.h>
#include <system_error>

namespace mshv::http {
namespace {

constexpr std::size_t head_limit = 16384;
constexpr std::uint64_t body_limit = 256UL * 1024 * 1024;

std::string render(const ClientRequest& request) {
    std::string bytes;
    bytes.reserve(request.target.size() + request.body.size() + 128);
    bytes += request.method;
    bytes += ' ';
    bytes += request.target;
    bytes += " HTTP/1.1\r\nHost: mshvd\r\n";
    if (!request.body.empty() || request.method == "POST") {
        bytes += "Content-Type: application/json\r\nContent-Length: ";
        bytes += std::to_string(request.body.size());
        bytes += "\r\n";
    }
    bytes += "\r\n";
    bytes += request.body;
    return bytes;
}

} // namespace

struct Client::Received : ResponseHead {};

void Client::connect(posix::Deadline deadline) {
    buffer_.clear();
    try {
        socket_ = posix::connect_unix(path_, deadline);
    } catch (const std::system_error& error) {
        const bool denied = error.code() == std::errc::permission_denied;
        throw Unreachable("cannot connect to " + path_ + ": " + error.code().message(),
                          denied ? "are you root or in the group that owns the socket?"
                                 : "is mshvd running?",
                          false);
    }
}

void Client::write(std::string_view bytes, posix::Deadline deadline) {
    try {
        posix::write_all(socket_.get(), bytes, deadline, "send request");
    } catch (const std::system_error& error) {
        // A daemon that is too busy answers at once and closes, without having read a request.
        char answer = 0;
        if (::recv(socket_.get(), &answer, 1, MSG_PEEK | MSG_DONTWAIT) == 1) {
            return;
        }
        throw Unreachable("lost the connection to " + path_ + ": " + error.code().message(),
                          "is mshvd still running?", true);
    }
}

std::size_t Client::receive(posix::Deadline deadline) {
    std::array<char, 65536> block; // NOLINT(cppcoreguidelines-init-variables): filled by recv
    for (;;) {
        posix::wait_for(socket_.get(), POLLIN, deadline, "answer of " + path_);
        const ssize_t got = ::recv(socket_.get(), block.data(), block.size(), MSG_DONTWAIT);
        if (got > 0) {
            answered_ = true;
            buffer_.append(block.data(), static_cast<std::size_t>(got));
            return static_cast<std::size_t>(got);
        }
        if (got == 0 || errno == ECONNRESET) {
            throw Unreachable("lost the connection to " + path_ + " before the answer was there",
                              "is mshvd still running?", true);
        }
        if (errno != EAGAIN && errno != EINTR) {
            posix::throw_errno("receive answer");
        }
    }
}

/// Between two requests nothing comes but the end.
bool Client::went_stale() const {
    pollfd entry{socket_.get(), POLLIN, 0};
    return ::poll(&entry, 1, 0) != 0;
}

Client::Received Client::read_head(posix::Deadline deadline) {
    for (;;) {
        std::size_t scanned = 0;
        std::optional<std::size_t> length;
        while (!(length = find_head(buffer_, scanned, head_limit))) {
            receive(deadline);
        }
        Received head{parse_response_head(std::string_view(buffer_).substr(0, *length))};
        buffer_.erase(0, *length);
        if (head.status != 100) {
            return head;
        }
    }
}

ClientResponse Client::read_answer(posix::Deadline deadline,
                                   const std::function<void(std::string_view)>* sink) {
    Received head = read_head(deadline);
    ClientResponse response{head.status, std::move(head.headers), {}};
    const std::uint64_t length = head.content_length.value_or(0);
    if (sink != nullptr && response.status == 200) {
        std::uint64_t left = length;
        while (left > 0) {
            if (buffer_.empty()) {
                receive(deadline);
            }
            const auto piece =
                static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer_.size()));
            (*sink)(std::string_view(buffer_).substr(0, piece));
            buffer_.erase(0, piece);
            left -= piece;
        }
    } else {
        if (length > body_limit) {
            throw BadMessage(502, "answer of " + std::to_string(length) + " bytes");
        }
        const auto size = static_cast<std::size_t>(length);
        buffer_.reserve(size + 64); // a decoder that works in place pads it
        while (buffer_.size() < size) {
            receive(deadline);
        }
        if (buffer_.size() == size) {
            response.body.swap(buffer_);
            buffer_.clear();
        } else {
            response.body = buffer_.substr(0, size);
            buffer_.erase(0, size);
        }
    }
    if (!head.keep_alive) {
        socket_.reset();
    }
    return response;
}

ClientResponse Client::exchange(const ClientRequest& request, posix::Deadline deadline,
                                const std::function<void(std::string_view)>* sink) {
    const bool kept = socket_ && !went_stale();
    if (!kept) {
        connect(deadline);
    }
    answered_ = false;
    const std::string bytes = render(request);
    try {
        try {
            write(bytes, deadline);
            return read_answer(deadline, sink);
        } catch (const Unreachable&) {
            if (!kept || answered_ || request.method != "GET") {
                throw;
            }
            connect(deadline);
            write(bytes, deadline);
            return read_answer(deadline, sink);
        }
    } catch (...) {
        socket_.reset();
        throw;
    }
}

ClientResponse Client::send(const ClientRequest& request, posix::Deadline deadline) {
    return exchange(request, deadline, nullptr);
}

ClientResponse Client::send(const ClientRequest& request, posix::Deadline deadline,
                            const std::function<void(std::string_view)>& sink) {
    return exchange(request, deadline, &sink);
}

std::variant<Upgraded, ClientResponse>
Client::upgrade(std::string_view target, std::string_view protocol, posix::Deadline deadline) {
    connect(deadline);
    std::string bytes = "GET ";
    bytes += target;
    bytes += " HTTP/1.1\r\nHost: mshvd\r\nConnection: Upgrade\r\nUpgrade: ";
    bytes += protocol;
    bytes += "\r\n\r\n";
    try {
        write(bytes, deadline);
        // The head decides; it stays in the buffer for read_answer unless it is the 101.
        std::size_t scanned = 0;
        std::optional<std::size_t> length;
        while (!(length = find_head(buffer_, scanned, head_limit))) {
            receive(deadline);
        }
        const auto head = parse_response_head(std::string_view(buffer_).substr(0, *length));
        if (head.status != 101) {
            return read_answer(deadline, nullptr);
        }
        buffer_.erase(0, *length);
        return Upgraded{std::move(socket_), std::exchange(buffer_, {})};
    } catch (...) {
        socket_.reset();
        throw;
    }
}

} // namespace mshv::http
