// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/keeper/journal.hpp"
#include "daemon/keeper/loop.hpp"
#include "daemon/keeper/protocol.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace mshv::keeper {

/// Whom to answer: it may be gone by then.
struct Asker {
    std::uint64_t connection = 0;
    std::string id; ///< empty = wants no answer
};

/// The socket on which daemons ask. It never waits for one: a daemon that does not read what it is
/// sent is cut off, and gets its events again when it says hello.
class Control {
public:
    /// `fds`: what came along; a handler takes from the front what its request is about.
    using Handler = std::function<void(const Asker&, const Message&, std::deque<posix::Fd>& fds)>;

    Control(Loop& loop, posix::Fd listener, Handler handler);
    ~Control();

    void answer(const Asker& asker, Message message);
    void ok(const Asker& asker) { answer(asker, Message("ok")); }
    void error(const Asker& asker, std::string_view code, std::string_view text);

    /// Makes `asker` the one who gets events, beginning with those after `since`.
    void subscribe(const Asker& asker, const Journal& journal, std::int64_t since);
    void publish(const std::string& line);

private:
    struct Connection;
    void accept();
    void on_io(Connection& connection, std::uint32_t events);
    bool read(Connection& connection);
    void take(Connection& connection, const std::string& line);
    void send(Connection& connection, const std::string& line);
    bool flush(Connection& connection);
    void sweep();

    Loop& loop_;
    posix::Fd listener_;
    Handler handler_;
    std::map<std::uint64_t, std::unique_ptr<Connection>> connections_;
    std::uint64_t next_number_ = 1;
    std::uint64_t subscriber_ = 0;
    Watch watch_;
    Timer accept_again_, sweep_;
};

} // namespace mshv::keeper
