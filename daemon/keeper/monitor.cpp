// SPDX-License-Identifier: Apache-2.0
#include "daemon/keeper/monitor.hpp"

#include "toolstack/libs/posix/crashpoint.hpp"
#include "toolstack/libs/posix/socket.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <poll.h>
#include <span>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace mshv::keeper {

using posix::Deadline;
using std::chrono::steady_clock;

namespace {

constexpr std::chrono::milliseconds first_pause{1000};
constexpr std::chrono::milliseconds longest_pause{60000};
/// A VMM that reads nothing shall not make the keeper grow.
constexpr std::size_t most_output = 4 * longest_qmp_line;

std::string id_text(std::uint64_t id) {
    return "k" + std::to_string(id);
}

} // namespace

Monitor::Monitor(Loop& loop, int listener_socket, std::chrono::milliseconds liveness,
                 MonitorListener& listener)
    : loop_(loop), listener_socket_(listener_socket), liveness_(liveness), listener_(listener),
      retry_(loop, [this] { connect(); }), liveness_timer_(loop, [this] { probe(); }) {}

void Monitor::start() {
    running_ = true;
    was_ready_ = false;
    responsive_ = true;
    closed_by_vmm_ = false;
    retry_pause_ = first_pause;
    connect();
}

void Monitor::connect() {
    if (!running_) {
        return;
    }
    if (std::exchange(closed_by_vmm_, false)) {
        faulty("the VMM closed its monitor");
        retry_.cancel();
    }
    sockaddr_un address{};
    socklen_t size = sizeof address;
    socket_ = posix::Fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!socket_ ||
        ::getsockname(listener_socket_, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
        ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) {
        faulty(std::string("cannot connect to the VMM's monitor: ") +
               std::generic_category().message(errno));
        return;
    }
    input_ = LineBuffer(longest_qmp_line);
    output_.clear();
    output_fds_.clear();
    stage_ = Stage::greeting;
    watch_ = Watch(loop_, socket_.get(), EPOLLIN, [this](std::uint32_t events) { on_io(events); });
    heard_ = steady_clock::now();
    probing_ = false;
    if (liveness_.count() > 0) {
        liveness_timer_.arm(Deadline::after(liveness_ / 2));
    }
}

void Monitor::disconnect() {
    watch_.reset();
    socket_.reset();
    stage_ = Stage::off;
    liveness_timer_.cancel();
    output_.clear();
    output_fds_.clear();
}

void Monitor::stop() {
    running_ = false;
    retry_.cancel();
    // The process is gone, so its last words are all in the socket: read them before they are lost.
    // Bounded, because somebody else may hold its end.
    constexpr int most_reads = 256;
    for (int i = 0; i < most_reads && socket_ && read_input(); ++i) {
    }
    disconnect();
    fail_pending(ReplyKind::gone, "The VMM has ended");
    // Connections that the ended VMM never accepted would be met by the next one.
    pollfd waiting{listener_socket_, POLLIN, 0};
    while (::poll(&waiting, 1, 0) == 1 && (waiting.revents & POLLIN) != 0) {
        const posix::Fd stale{::accept4(listener_socket_, nullptr, nullptr, SOCK_CLOEXEC)};
        if (!stale) {
            break;
        }
    }
}

void Monitor::faulty(const std::string& why) {
    disconnect();
    if (running_) {
        retry_.arm(Deadline::after(retry_pause_));
        retry_pause_ = std::min(retry_pause_ * 2, longest_pause);
        if (responsive_) {
            responsive_ = false;
            listener_.monitor_responsive(false, why);
        }
    }
    fail_pending(running_ ? ReplyKind::faulty : ReplyKind::gone, why);
}

/// The end of the stream is mostly the end of the VMM, which is told a moment later by its exit.
/// Only a VMM that lives on without a monitor is a fault.
void Monitor::closed() {
    disconnect();
    if (running_) {
        closed_by_vmm_ = true;
        retry_.arm(Deadline::after(retry_pause_));
    }
}

void Monitor::fail_pending(ReplyKind kind, const std::string& why) {
    auto failed = std::move(pending_);
    pending_.clear();
    for (auto& [id, pending] : failed) {
        pending.reply(kind, QmpLine{}, why);
    }
}

void Monitor::send(std::string_view command, posix::Fd fd, Reply reply) {
    if (!running_ || !socket_ || stage_ == Stage::greeting) {
        reply(running_ ? ReplyKind::faulty : ReplyKind::gone, QmpLine{},
              running_ ? "The VMM's monitor does not answer" : "No VMM runs");
        return;
    }
    if (pending_.size() >= most_outstanding || output_.size() + command.size() > most_output) {
        reply(ReplyKind::faulty, QmpLine{}, "The VMM does not take commands");
        return;
    }
    const auto id = next_id_++;
    const auto body = command.substr(command.find('{') + 1);
    const bool empty = body.find_first_not_of(" \t\r\n") == body.find('}');
    pending_.emplace(id, Pending{std::move(reply), steady_clock::now()});
    if (fd) {
        output_fds_.emplace_back(output_.size(), std::move(fd));
    }
    output_ += "{\"id\":\"" + id_text(id) + "\"" + (empty ? "" : ",");
    output_ += body;
    output_ += '\n';
    MSHV_CRASHPOINT("keeper.qmp.before_send");
    flush();
    MSHV_CRASHPOINT("keeper.qmp.after_send");
}

/// Sends what stands before the next descriptor, then its command with it: so it arrives with the
/// first bytes of that command and with no other.
void Monitor::flush() {
    while (!output_.empty()) {
        const bool with_fd = !output_fds_.empty() && output_fds_.front().first == 0;
        const std::size_t until = with_fd               ? output_.find('\n') + 1
                                  : output_fds_.empty() ? output_.size()
                                                        : output_fds_.front().first;
        const std::array<int, 1> fds{with_fd ? output_fds_.front().second.get() : -1};
        std::size_t sent = 0;
        try {
            sent = posix::send_some(socket_.get(), {output_.data(), until},
                                    std::span<const int>(fds.data(), with_fd ? 1 : 0));
        } catch (const std::system_error&) {
            break; // the read side tells what is broken
        }
        if (sent == 0) {
            break; // full
        }
        output_.erase(0, sent);
        if (with_fd) {
            output_fds_.pop_front();
        }
        for (auto& [before, fd] : output_fds_) {
            before -= sent;
        }
    }
    watch_.change(output_.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT);
}

void Monitor::on_io(std::uint32_t events) {
    if ((events & EPOLLOUT) != 0) {
        flush();
    }
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
        read_input();
    }
}

bool Monitor::read_input() {
    std::array<char, 16384> buffer; // NOLINT: filled by recv
    const auto got = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return false;
    }
    if (got <= 0) {
        closed();
        return false;
    }
    heard_ = steady_clock::now();
    input_.append({buffer.data(), static_cast<std::size_t>(got)});
    try {
        while (socket_) {
            const auto line = input_.next();
            if (!line) {
                break;
            }
            take_line(*line);
        }
    } catch (const ProtocolError&) {
        faulty("the VMM sent a line of more than 1 MiB");
    }
    return true;
}

void Monitor::take_line(std::string_view line) {
    if (line.ends_with('\r')) {
        line.remove_suffix(1);
    }
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) {
        return;
    }
    const auto scanned = scan_qmp(line);
    if (!scanned) {
        faulty("the VMM sent what is not QMP");
        return;
    }
    switch (scanned->kind) {
    case QmpLine::Kind::greeting:
        if (stage_ != Stage::greeting) {
            faulty("the VMM sent its greeting twice");
            return;
        }
        take_greeting();
        return;
    case QmpLine::Kind::event:
        listener_.monitor_event(*scanned);
        return;
    case QmpLine::Kind::returned:
    case QmpLine::Kind::error: {
        // An answer to no question is ignored: the real one is still awaited. QMP answers in order,
        // so one that was passed over would be awaited for ever.
        if (!pending_.empty() && id_text(pending_.begin()->first) == scanned->id) {
            auto found = pending_.extract(pending_.begin());
            found.mapped().reply(scanned->kind == QmpLine::Kind::returned ? ReplyKind::returned
                                                                          : ReplyKind::error,
                                 *scanned, line);
            if (stage_ == Stage::ready) { // not in the middle of a handshake
                answered();
            }
        }
        return;
    }
    default:
        faulty("the VMM sent what is not QMP");
    }
}

void Monitor::take_greeting() {
    stage_ = Stage::capabilities;
    send(R"({"execute":"qmp_capabilities"})",
         [this](ReplyKind kind, const QmpLine&, std::string_view) {
             if (kind == ReplyKind::error) {
                 faulty("the VMM refused qmp_capabilities");
             }
         });
    stage_ = Stage::status;
    // QEMU greets before its devices exist; only this answer means that it is ready.
    send(R"({"execute":"query-status"})", [this](ReplyKind kind, const QmpLine&, std::string_view) {
        if (kind == ReplyKind::error) {
            faulty("the VMM refused query-status");
        } else if (kind == ReplyKind::returned) {
            stage_ = Stage::ready;
            if (!std::exchange(was_ready_, true)) {
                listener_.monitor_ready();
            }
        }
    });
}

void Monitor::answered() {
    probing_ = false;
    if (!responsive_) {
        responsive_ = true;
        listener_.monitor_responsive(true, "");
    }
}

/// Twice per liveness interval: asks when nothing is outstanding, judges when something is too
/// long.
void Monitor::probe() {
    liveness_timer_.arm(Deadline::after(liveness_ / 2));
    const auto now = steady_clock::now();
    auto oldest = stage_ == Stage::greeting ? heard_ : now;
    for (const auto& [id, pending] : pending_) {
        oldest = std::min(oldest, pending.since);
    }
    if (now - oldest >= liveness_ && responsive_) {
        responsive_ = false;
        listener_.monitor_responsive(false, "the VMM has not answered for " +
                                                std::to_string(liveness_.count()) + " ms");
    }
    if (stage_ == Stage::ready && !probing_ && pending_.empty()) {
        probing_ = true;
        send(R"({"execute":"query-status"})", [](ReplyKind, const QmpLine&, std::string_view) {});
    }
}

} // namespace mshv::keeper
