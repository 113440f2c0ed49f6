// SPDX-License-Identifier: Apache-2.0
#include "daemon/keeper/console.hpp"

#include "daemon/keeper/journal.hpp"
#include "toolstack/libs/posix/crashpoint.hpp"
#include "toolstack/libs/posix/file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mshv::keeper {

using console::FrameType;
using posix::Fd;

namespace {

constexpr int fifo_size = 1024 * 1024;
/// Shorter rings would make a reader that blinks lose bytes.
constexpr std::size_t least_ring = 256 * 1024;
/// Typed but not taken by the guest; beyond it the writer's socket is not read.
constexpr std::size_t most_typed = 64 * 1024;

Fd make_fifo(const std::string& path, const std::optional<User>& user) {
    ::unlink(path.c_str());
    posix::check(::mkfifo(path.c_str(), 0600), "create " + path);
    if (user) {
        posix::check(
            ::lchown(path.c_str(), static_cast<uid_t>(user->uid), static_cast<gid_t>(user->gid)),
            "chown " + path);
    }
    Fd fifo = posix::open_file(path, O_RDWR | O_NONBLOCK | O_NOFOLLOW);
    // Refused above the user's quota for pipes: then the guest waits a little sooner.
    ::fcntl(fifo.get(), F_SETPIPE_SZ, fifo_size);
    return fifo;
}

} // namespace

struct Console::Client {
    Client(Fd fd, const ConsoleStream& stream, const AttachRequest& request)
        : socket(std::move(fd)), cursor(stream, request.start), input(request.start.raw),
          raw(request.start.raw), who(request.who), since_ms(wall_clock_ms()) {}

    Fd socket;
    ConsoleCursor cursor;
    ClientInput input;
    bool raw;
    bool half_closed = false;
    std::string who;
    std::int64_t since_ms;
    std::string out; ///< taken from the cursor, not sent yet
    Watch watch;     // last: it goes before the socket does
};

Console::Console(Loop& loop, const LaunchSpec& spec, Hooks hooks)
    : loop_(loop), hooks_(std::move(hooks)),
      most_replay_(static_cast<std::size_t>(spec.console->ring)),
      stream_(std::max(most_replay_, least_ring)), log_(spec.log_dir, *spec.console),
      output_(make_fifo(spec.run_dir + "/" + console_stem + ".out", spec.user)),
      input_(make_fifo(spec.run_dir + "/" + console_stem + ".in", spec.user)),
      output_watch_(loop, output_.get(), EPOLLIN,
                    [this](std::uint32_t) {
                        if (read_output()) {
                            pump_all();
                        }
                    }),
      input_watch_(loop, input_.get(), 0, [this](std::uint32_t events) {
          if ((events & EPOLLOUT) != 0) {
              write_input();
          }
      }) {}

Console::~Console() = default;

std::string Console::writer() const {
    return writer_ == nullptr ? std::string() : writer_->who;
}

/// One read of what the guest printed; false when there is nothing.
bool Console::read_output() {
    static std::array<char, 65536> buffer; // touched only as far as a read fills it
    const auto got = ::read(output_.get(), buffer.data(), buffer.size());
    if (got <= 0) {
        return false;
    }
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
    MSHV_CRASHPOINT("keeper.console.before_log");
    log_.append(bytes);
    MSHV_CRASHPOINT("keeper.console.after_log");
    stream_.ring.append(bytes);
    report_log();
    return true;
}

void Console::report_log() {
    const bool failing = log_.losing() > 0;
    if (failing == log_failing_) {
        return;
    }
    log_failing_ = failing;
    const std::string text = failing ? "Console log is not written: " + log_.trouble()
                                     : "Console log is written again; " +
                                           std::to_string(log_.lost()) + " bytes are missing in it";
    stream_.mark(FrameType::notice, text);
    hooks_.notice(text);
}

void Console::pump_all() {
    for (auto next = clients_.begin(); next != clients_.end();) {
        Client& client = **next++; // pump may drop it
        pump(client);
    }
}

/// Sends what the client's socket takes now.
void Console::pump(Client& client) {
    for (;;) {
        if (client.out.empty()) {
            if (client.cursor.finished()) {
                drop(client);
                return;
            }
            client.out = client.cursor.next();
            if (client.out.empty()) {
                break;
            }
        }
        const auto sent = ::send(client.socket.get(), client.out.data(), client.out.size(),
                                 MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0 && errno != EAGAIN) {
            drop(client);
            return;
        }
        if (sent < 0) {
            break;
        }
        client.out.erase(0, static_cast<std::size_t>(sent));
    }
    update(client);
}

void Console::update(Client& client) {
    std::uint32_t events = client.out.empty() ? 0U : EPOLLOUT;
    const bool blocked = &client == writer_ && typed_.size() >= most_typed;
    if (!client.half_closed && !blocked) {
        events |= EPOLLIN;
    }
    client.watch.change(events);
}

std::optional<Console::Holder> Console::conflict(const AttachRequest& request) const {
    if (!request.write || request.steal || writer_ == nullptr) {
        return std::nullopt;
    }
    return Holder{writer_->who, writer_->since_ms};
}

void Console::attach(Fd socket, AttachRequest request) {
    request.start.most_replay = most_replay_;
    request.start.writer = request.write;
    clients_.push_back(std::make_unique<Client>(std::move(socket), stream_, request));
    Client& client = *clients_.back();
    client.watch = Watch(loop_, client.socket.get(), EPOLLIN,
                         [this, &client](std::uint32_t events) { on_client(client, events); });
    if (request.write) {
        if (writer_ != nullptr) {
            writer_->cursor.tell(FrameType::writer, "0");
            writer_->cursor.tell(FrameType::notice, request.who + " types now; you only read");
            Client& before = *writer_;
            writer_ = nullptr;
            pump(before);
        }
        set_writer(&client);
    }
    if (!take_typed(client, request.early)) {
        drop(client);
        return;
    }
    pump(client);
}

void Console::set_writer(Client* client) {
    writer_ = client;
    hooks_.writer_changed(writer());
}

void Console::drop(Client& client) {
    if (&client == writer_) {
        set_writer(nullptr);
    }
    clients_.remove_if([&](const auto& entry) { return entry.get() == &client; });
    if (clients_.empty()) {
        hooks_.last_client_left();
    }
}

void Console::on_client(Client& client, std::uint32_t events) {
    if ((events & EPOLLERR) != 0 || ((events & EPOLLHUP) != 0 && (events & EPOLLIN) == 0)) {
        drop(client);
        return;
    }
    if ((events & EPOLLIN) != 0 && !read_client(client)) {
        drop(client);
        return;
    }
    pump(client);
}

/// False when the session is over.
bool Console::read_client(Client& client) {
    std::array<char, 4096> buffer; // NOLINT: filled by recv
    const auto got = ::recv(client.socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0) {
        return errno == EAGAIN || errno == EINTR;
    }
    if (got == 0) {
        // `printf … | socat` has sent all it wanted and still reads; a framed client says detach.
        client.half_closed = client.raw;
        return client.raw;
    }
    return take_typed(client, {buffer.data(), static_cast<std::size_t>(got)});
}

bool Console::take_typed(Client& client, std::string_view bytes) {
    std::string typed;
    if (!client.input.take(bytes, typed)) {
        return false;
    }
    if (&client == writer_ && !stream_.exit_reason) {
        typed_ += typed;
        write_input();
    }
    return true;
}

void Console::write_input() {
    const bool was_blocked = typed_.size() >= most_typed;
    while (!typed_.empty()) {
        const auto written = ::write(input_.get(), typed_.data(), typed_.size());
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            break;
        }
        typed_.erase(0, static_cast<std::size_t>(written));
    }
    input_watch_.change(typed_.empty() ? 0U : EPOLLOUT);
    if (was_blocked && writer_ != nullptr) {
        update(*writer_);
    }
}

void Console::mark(FrameType type, const std::string& text) {
    stream_.mark(type, text);
    pump_all();
}

void Console::vmm_ended() {
    // Bounded by the FIFO's size: whoever wrote into it is gone.
    constexpr int most_reads = 64;
    for (int i = 0; i < most_reads && read_output(); ++i) {
    }
    pump_all();
    typed_.clear();
    input_watch_.change(0);
    std::array<char, 4096> unread; // NOLINT: thrown away
    while (::read(input_.get(), unread.data(), unread.size()) > 0) {
    }
    if (writer_ != nullptr) {
        update(*writer_);
    }
}

void Console::finish(const std::string& reason) {
    stream_.exit_reason = reason;
    pump_all();
}

} // namespace mshv::keeper
