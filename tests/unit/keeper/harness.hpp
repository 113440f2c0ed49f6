// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/keeper/protocol.hpp"
#include "toolstack/libs/posix/command.hpp"
#include "toolstack/libs/posix/deadline.hpp"
#include "toolstack/libs/posix/fd.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace mshv::keeper::test {

using posix::Deadline;
using posix::Fd;

/// A generous bound for everything that must happen soon; nothing sleeps for it.
inline Deadline soon() {
    return Deadline::after(std::chrono::seconds(20));
}

/// A daemon's connection to a keeper.
class Daemon {
public:
    explicit Daemon(const std::string& socket_path);

    /// Sends and waits for the answer; events that come meanwhile are kept.
    Message ask(Message request, const Fd* with = nullptr);
    void send(const Message& request, const Fd* with = nullptr);
    Message answer(std::int64_t id);
    Message hello(std::int64_t since = 0);
    /// The next event of this kind; those before it are taken away.
    Message event(std::string_view kind);
    /// The next event, whatever it is.
    Message event();
    [[nodiscard]] bool superseded() const { return superseded_; }
    /// Waits for the end of the connection.
    void wait_closed();
    std::int64_t next_id = 1;

private:
    bool receive();
    Fd socket_;
    LineBuffer input_;
    std::deque<Message> answers_, events_;
    bool superseded_ = false;
};

/// A console session over a socket pair, as `mshvctl console` has it.
class Viewer {
public:
    /// Attaches through `daemon`; `options` are further fields of the request.
    Viewer(Daemon& daemon, Message options);

    [[nodiscard]] const Message& answer() const { return answer_; }
    /// Reads until the data holds `text`.
    void read_until(std::string_view text);
    /// Reads until a notice holds `text`, or the exit frame came.
    void read_until_notice(std::string_view text);
    void read_until_exit();
    void type(std::string_view bytes);
    void close() { socket_.reset(); }
    std::string data, notices, exit, writer, head;
    std::uint64_t first = 0, offset = 0;

private:
    bool receive();
    void frames();
    Fd socket_;
    bool raw_;
    std::string pending_;
    Message answer_;
};

/// A folder, the two listening sockets and a running keeper; all of it is gone afterwards.
class Partition {
public:
    /// `append`: the fake VMM's script.
    explicit Partition(const std::string& append = "");
    ~Partition();
    Partition(const Partition&) = delete;
    Partition& operator=(const Partition&) = delete;

    LaunchSpec spec;
    /// Environment of the keeper, e.g. a crash point.
    std::vector<std::string> env;
    void launch();
    std::unique_ptr<Daemon> connect();
    /// launch, hello, wait for `ready`, resume, wait for `running`.
    std::unique_ptr<Daemon> start();
    [[nodiscard]] const std::string& folder() const { return folder_; }
    [[nodiscard]] const posix::Child& keeper() const { return *keeper_; }
    [[nodiscard]] Message record(const char* file) const;

private:
    std::string folder_;
    Fd listener_, monitor_;
    std::optional<posix::Child> keeper_;
};

} // namespace mshv::keeper::test
