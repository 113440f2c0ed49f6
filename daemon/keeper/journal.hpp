// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/keeper/protocol.hpp"
#include "toolstack/libs/posix/fd.hpp"
#include "toolstack/libs/posix/pidfd.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

namespace mshv::keeper {

/// Unix milliseconds.
std::int64_t wall_clock_ms();

/// What a keeper leaves on disk: its events, the state record and the exit record. Everything is
/// written before it is told to anybody. A disk that refuses costs the record, never the guest:
/// failures are counted and the lines stay in memory.
class Journal {
public:
    static constexpr std::size_t most_kept = 4096;
    static constexpr std::size_t largest_file = 256 * 1024;

    explicit Journal(const LaunchSpec& spec);

    /// Numbers `event`, writes it and keeps it until it is acknowledged; returns its line.
    const std::string& append(Message event, bool durable);
    void acknowledge(std::int64_t seq);
    [[nodiscard]] std::int64_t last_seq() const { return last_seq_; }

    struct Line {
        std::int64_t seq;
        std::string text; ///< with LF
    };
    [[nodiscard]] const std::deque<Line>& kept() const { return kept_; }
    /// Events after `since` that are not kept any more.
    [[nodiscard]] std::int64_t lost_since(std::int64_t since) const;

    /// Throws std::system_error: without this record no VMM may be started.
    void write_state(std::int64_t generation, const std::optional<posix::ProcessIdentity>& vmm);
    void write_exit(const Message& record);

    [[nodiscard]] const posix::ProcessIdentity& keeper() const { return keeper_; }
    [[nodiscard]] const std::string& boot_id() const { return boot_id_; }

private:
    void write(const std::string& line, bool durable);
    void compact();

    std::string run_dir_, nonce_, name_, uuid_, boot_id_;
    posix::ProcessIdentity keeper_;
    posix::Fd file_;
    std::size_t file_size_ = 0;
    std::int64_t last_seq_ = 0;
    std::int64_t acknowledged_ = 0;
    std::deque<Line> kept_;
};

} // namespace mshv::keeper
