// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/keeper/console_client.hpp"
#include "daemon/keeper/console_log.hpp"
#include "daemon/keeper/loop.hpp"
#include "daemon/keeper/protocol.hpp"

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

namespace mshv::keeper {

/// What a client asked for.
struct AttachRequest {
    bool write = false, steal = false;
    SessionStart start;
    std::string who, early;
};

/// The partition's console: two FIFOs that outlive every VMM and this process, always drained into
/// log and ring, and the sessions of the clients. No client can make the guest wait.
class Console {
public:
    struct Hooks {
        std::function<void(const std::string& who)> writer_changed;
        std::function<void(const std::string& text)> notice;
        std::function<void()> last_client_left;
    };

    /// Makes the FIFOs. Throws std::system_error.
    Console(Loop& loop, const LaunchSpec& spec, Hooks hooks);
    ~Console();

    /// The writer that stands in the way of `request`, if any.
    struct Holder {
        std::string who;
        std::int64_t since_ms = 0;
    };
    [[nodiscard]] std::optional<Holder> conflict(const AttachRequest& request) const;
    void attach(posix::Fd client, AttachRequest request);

    /// A notice or state for everybody, at this place of the stream.
    void mark(console::FrameType type, const std::string& text);
    /// The VMM has ended: takes what it printed last and forgets what was typed for it.
    void vmm_ended();
    /// Nothing will be printed any more: sessions end once they have everything.
    void finish(const std::string& reason);
    [[nodiscard]] bool has_clients() const { return !clients_.empty(); }

    [[nodiscard]] std::uint64_t bytes() const { return stream_.ring.end(); }
    [[nodiscard]] std::int64_t lost() const { return log_.lost(); }
    [[nodiscard]] std::size_t readers() const { return clients_.size(); }
    [[nodiscard]] std::string writer() const;

private:
    struct Client;
    bool read_output();
    void pump_all();
    void pump(Client& client);
    void on_client(Client& client, std::uint32_t events);
    bool read_client(Client& client);
    bool take_typed(Client& client, std::string_view bytes);
    void write_input();
    void update(Client& client);
    void drop(Client& client);
    void set_writer(Client* client);
    void report_log();

    Loop& loop_;
    Hooks hooks_;
    std::size_t most_replay_;
    ConsoleStream stream_;
    ConsoleLog log_;
    bool log_failing_ = false;
    posix::Fd output_, input_; ///< con.out and con.in, both ends open: no end of file, no SIGPIPE
    Watch output_watch_, input_watch_;
    std::string typed_; ///< on its way into con.in
    std::list<std::unique_ptr<Client>> clients_;
    Client* writer_ = nullptr;
};

} // namespace mshv::keeper
